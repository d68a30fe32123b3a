# textpoke gdb L2 --variant lw1
# Source lines of a kernel, over interrupts and other cores.
info threads
thread 2
bt
next
next
monitor pos
break klp_ftrace_handler
continue
bt
finish
reverse-step
bt
monitor token
