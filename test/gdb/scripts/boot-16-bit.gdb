# textpoke gdb fixtures/boot/services.img --bits 16
break *0x7c22
continue
x/3i $pc
stepi
x/3i $pc
info registers eip cs
monitor code
reverse-stepi
x/i $pc
