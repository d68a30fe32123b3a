# textpoke gdb fixtures/run/counter.elf --cores 2
continue
monitor who-wrote counter
monitor goto 100
maintenance flush register-cache
monitor who-wrote counter
info threads
monitor fetched main
monitor choices
monitor icache main
