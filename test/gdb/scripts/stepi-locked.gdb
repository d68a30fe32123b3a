# textpoke gdb F1 --variant no-final-sync --at 3
# With it this core alone moves, and the run is another one.
monitor token
thread 2
info threads
set scheduler-locking on
stepi
info threads
stepi 2
monitor pos
monitor token
continue
monitor pos
info threads
monitor restore
maintenance flush register-cache
info threads
monitor token
