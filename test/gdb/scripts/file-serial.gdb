# textpoke gdb fixtures/run/hello.elf --cores 3
# What the guest writes is told once, also when it is played again.
continue
reverse-continue
continue
info threads
monitor pos
monitor token
