# textpoke gdb F1 --variant no-final-sync --at 3
# A breakpoint where a core stands: gdb steps over it at once, and the schedule stays what it was.
monitor token
thread 2
break *$pc
continue
continue
monitor pos
monitor token
