# textpoke gdb F1 --variant no-final-sync --at 24
monitor icache ftrace_call
monitor icache ftrace_call+1
monitor icache main
monitor fetched ftrace_call
monitor who-wrote ftrace_call 5
monitor who-wrote modifying_ftrace_code
monitor who-wrote ftrace_update_ip
monitor who-wrote ftrace_update_target
monitor fetched 0x10
monitor icache 0x10
monitor goto 3
monitor who-wrote ftrace_call 5
monitor who-wrote modifying_ftrace_code
