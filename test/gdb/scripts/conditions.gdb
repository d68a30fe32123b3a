# textpoke gdb fixtures/run/hello.elf --cores 4
break main if core == 2
commands
  silent
  printf "core %d of %d\n", core, cores
end
continue
info breakpoints
thread apply all p $pos
reverse-continue
