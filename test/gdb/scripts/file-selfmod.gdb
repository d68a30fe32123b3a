# textpoke gdb fixtures/run/selfmod.elf
# The call is rewritten: a breakpoint on it, and who did that.
break *call_insn
continue
x/i $pc
stepi
x/i $pc
continue
x/i $pc
monitor who-wrote call_insn 5
watch *(unsigned *)((char *)call_insn + 1)
reverse-continue
x/i $pc
reverse-continue
