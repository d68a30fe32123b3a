# textpoke gdb fixtures/run/hello.elf --cores 1
advance main
until 10
until 11
bt
advance 13
bt
finish
