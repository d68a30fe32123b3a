# textpoke gdb F1 --variant no-final-sync --at 21
# What screens of helpers read at each stop, half of it not mapped.
monitor token
thread 2
info all-registers rip
x/2gx $rsp
x/2gx 0
x/2gx 0xffffffffffffff00
x/2gx 0x00007fffffffe000
x/8i $pc
p *(char(*)[32])0
info proc mappings
info sharedlibrary
info auxv
find /b $rsp, +256, 0xcc
dump binary memory /dev/null $rsp $rsp+64
x/s 0x10
stepi
x/2gx $rsp
x/2gx 0
monitor token
