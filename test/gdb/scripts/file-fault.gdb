# textpoke gdb fixtures/run/fault.elf
monitor catch all
continue
p $cr2
bt 1
reverse-stepi
bt
x/i $pc
reverse-stepi
x/i $pc
monitor catch off
continue
