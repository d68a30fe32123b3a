# textpoke gdb F1 --variant no-final-sync --at 14
monitor token
set var modifying_ftrace_code = 5
set var $rax = 1
print modifying_ftrace_code
monitor poke-as cpu1
call (void)ftrace_stub()
continue
monitor token
