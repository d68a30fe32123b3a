# textpoke gdb K1 --variant probed --at end
info threads
x/2i $pc
bt 4
p $rsp
monitor icache ist_enter
monitor fetched ist_enter
monitor who-wrote ist_enter
# The int3 in ist_enter() is the guest's own: back to who put it there.
watch *((unsigned char *)ist_enter + 1)
reverse-continue
monitor pos
x/i ist_enter
info line ist_enter
# And each #BP on the way to the end.
monitor catch #BP
delete
continue
continue
p $rsp
continue
p $rsp
monitor catch off
monitor token
