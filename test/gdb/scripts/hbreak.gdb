# textpoke gdb fixtures/run/hello.elf --cores 2
hbreak hello.c:11
tbreak hello.c:10
continue
bt
continue
p core
x/i $pc
continue
p core
info breakpoints
