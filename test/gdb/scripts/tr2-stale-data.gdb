# textpoke gdb T-R2 --variant t0 --at end
info threads
bt
# probe_b() has data_a: the array was read before, the function is the new one.
p $rip
info symbol $rip
p $rdi
info symbol $rdi
watch sched_switch_funcs
reverse-continue
monitor pos
reverse-continue
monitor pos
reverse-continue
info threads
delete
# Whose load came before? CPU1 read the array here:
rwatch sched_switch_funcs
monitor goto 14
maintenance flush register-cache
thread 2
reverse-continue
monitor pos
x/i $pc
p sched_switch_funcs
monitor token
