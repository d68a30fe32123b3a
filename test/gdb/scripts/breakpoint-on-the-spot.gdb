# textpoke gdb F1 --variant no-final-sync --at 18
# A breakpoint where a core stands: gdb steps over it at once, and the schedule stays what it was.
monitor token
info threads
break *$pc
continue
monitor pos
continue
monitor pos
monitor token
