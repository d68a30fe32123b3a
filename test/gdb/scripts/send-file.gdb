# textpoke gdb fixtures/run/hello.elf --send-file
info files
break main
continue
list main
