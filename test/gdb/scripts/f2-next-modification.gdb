# textpoke gdb F2 --variant unprotected --at end
info threads
bt
p/x ftrace_update_ip
info symbol ftrace_update_ip
monitor fetched ftrace_call
# The handler came from ftrace_call, the globals are of another site: who wrote them?
watch ftrace_update_ip
reverse-continue
monitor pos
monitor who-wrote ftrace_update_ip
p/x ftrace_update_ip
info threads
thread 2
p $stale
bt
# The SYNC that was missing would have come before this store.
monitor prev ipi
monitor token
