# textpoke gdb F1 --variant no-final-sync --at 21
# The same where the core could move alone: what that changed is undone when it turns out that gdb stepped over a breakpoint.
monitor token
info threads
break *$pc
continue
monitor pos
monitor token
