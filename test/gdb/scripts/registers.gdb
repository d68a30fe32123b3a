# textpoke gdb F1 --variant no-final-sync --at 20
info registers rip rsp eflags cs fs_base gs_base
info registers cr0 cr2 cr3 cr4 cr8 efer k_gs_base gdtr_base idtr_base tr_base lstar dr6 dr7 activity pending_irq store_buffer stale icache_gen pos pos_inside
thread 2
p $pos
p $pos_inside
p $icache_gen
p $stale
p $store_buffer
p $pending_irq
p $activity
p $cr0
p $cr4
p $efer
p $xmm0.uint128
p $ymm15.v2_int128
p $st0
p/x $fctrl
p/x $ftag
p $mxcsr
stepi
p $pos
p $stale
thread 1
p $store_buffer
info registers cs ss
