# textpoke gdb fixtures/run/hello.elf --cores 2
# A step over a breakpoint that leads to the end, and one that is on the way back.
break start.S:8
break start.S:9
continue
continue
continue
continue
reverse-continue
stepi
reverse-stepi
continue
