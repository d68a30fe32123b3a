# textpoke gdb fixtures/run/hello.elf --cores 4
# Each core comes to it, and each stop names the right one.
break main
continue
continue
continue
continue
info threads
info breakpoints
continue
reverse-continue
reverse-continue
reverse-continue
reverse-continue
reverse-continue
