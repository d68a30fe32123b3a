# textpoke gdb F1 --variant no-final-sync --at end
# CPU1 died in the #BP handler: nobody claimed the int3. What did it look at?
info threads
bt
frame 1
p/x regs->ip
monitor icache ftrace_call
monitor fetched ftrace_call
p modifying_ftrace_code
# It is 0. Who cleared it, while the handler was on its way?
watch modifying_ftrace_code
reverse-continue
info threads
monitor who-wrote modifying_ftrace_code
monitor pos
p $icache_gen
thread 2
p $icache_gen
p $stale
bt
# When did CPU1 take that int3?
monitor prev stale
monitor prev exception cpu1
maintenance flush register-cache
x/i $pc
# The run is the same as before.
monitor token
