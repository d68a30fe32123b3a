# textpoke gdb L2 --variant lw1 --at end
info threads
bt
p klp_finished
p klp_target_state
# CPU1 enters P2_f although the transition has finished. Who finished it?
watch klp_finished
reverse-continue
info threads
bt
list
monitor who-wrote klp_finished
# And what had CPU1 read by then?
thread 2
bt
monitor prev note
monitor token
