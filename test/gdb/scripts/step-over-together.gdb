# textpoke gdb F1 --variant no-final-sync
# Two cores at one breakpoint: each is told of, none is lost, and a step over it brings no news of the other.
break ftrace_int3_handler
break sysvec_sync_core
continue
info threads
continue
stepi
stepi
continue
continue
continue
continue
info breakpoints
monitor pos
monitor token
