# textpoke gdb fixtures/boot/multiboot1.elf --command-line hello
break kernel_main
continue
next
next
step
bt
finish
p/x info->flags
x/3i $pc
info registers eip esp cs cr0
tbreak interrupt
continue
bt 2
reverse-continue
bt
