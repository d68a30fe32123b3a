# textpoke gdb F1 --variant no-final-sync
# gdb steps over a breakpoint with the packet of a locked step: the schedule must not change.
monitor token
break ftrace_stub
break *ftrace_call
info breakpoints
continue
continue
continue
continue
continue
continue
continue
monitor pos
monitor token
reverse-continue
info threads
continue
