# textpoke gdb F1 --variant no-final-sync
define tp-goto
  monitor goto $arg0
  maintenance flush register-cache
  maintenance flush dcache
  frame
end
thread 2
tp-goto 20
tp-goto 20+1
tp-goto end
x/i $pc
