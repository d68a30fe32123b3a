/*
 * The windows of races (a) and (b) of ftrace's INT3 protocol as a hand-written model for SPIN, to compare with exploring the machine code itself:
 * a patcher rewrites NS call sites one after the other (int3, tail, first byte, each with an IPI to everybody that it waits for), NV victims call the
 * sites in order, CALLS times. A fetch may be stale until the victim serializes; the #BP handler runs with interrupts off.
 *
 *   FINAL  1: an IPI and a wait behind the first byte, 0: none
 *
 * In favour of SPIN: no store buffers, an IPI is sent to all in one step and served in one step, the four bytes of a tail are one.
 */
#ifndef NV
#define NV 1
#endif
#ifndef NS
#define NS 1
#endif
#ifndef CALLS
#define CALLS 1
#endif
#ifndef FINAL
#define FINAL 1
#endif

/* How far a site is: 0 old call, 1 int3 and old tail, 2 int3 and new tail, 3 new call. */
byte version[NS];
/* The oldest version that a victim's fetch may still return, victim by victim. */
byte oldest[NV * NS];

byte modifying;
byte update_ip;
byte update_target;

bool ipi_pending[NV];
byte ipi_unanswered;

/* Behind it this victim fetches what is there now. */
inline serialize(me) {
  k = 0;
  do
  :: k < NS -> oldest[me * NS + k] = version[k]; k++
  :: else -> break
  od;
  k = 0
}

inline answer_ipi(me) {
  d_step {
    ipi_pending[me] = 0;
    serialize(me);
    ipi_unanswered--
  }
}

inline sync_all() {
  d_step {
    ipi_unanswered = NV;
    k = 0;
    do
    :: k < NV -> ipi_pending[k] = 1; k++
    :: else -> break
    od;
    k = 0
  }
  ipi_unanswered == 0
}

active proctype patcher() {
  byte site, k;

  do
  :: site < NS ->
    update_ip = site;
    update_target = site;
    modifying++;
    version[site] = 1;
    sync_all();
    version[site] = 2;
    sync_all();
    version[site] = 3;
#if FINAL
    sync_all();
#endif
    modifying--;
    site++
  :: else -> break
  od
}

active [NV] proctype victim() {
  byte me, round, site, head, tail, k;

  d_step { me = _pid - 1; site = 0 }
  do
  :: ipi_pending[me] -> answer_ipi(me)
  :: round == CALLS -> break
  :: round < CALLS ->
    /* The fetch: any version of the first byte, any of the tail, since this victim serialized. */
    atomic {
      head = oldest[me * NS + site];
      do
      :: head < version[site] -> head++
      :: break
      od;
      if
      :: head == 0 || head == 3 ->
        tail = oldest[me * NS + site];
        do
        :: tail < version[site] -> tail++
        :: break
        od;
        /* Torn: a first byte and a tail that belong to different calls. */
        assert((head == 0) == (tail < 2));
        tail = 0
      :: else
      fi
    };
    if
    :: head == 1 || head == 2 ->
      /* #BP: no IPI is answered before the handler has returned. */
      assert(modifying != 0);
      assert(update_ip == site);
      assert(update_target == site);
      d_step { serialize(me) }
    :: else
    fi;
    d_step {
      head = 0;
      site++;
      if
      :: site == NS -> site = 0; round++
      :: else
      fi
    }
  od;
  /* Idle: it still answers. */
end:
  do
  :: ipi_pending[me] -> answer_ipi(me)
  od
}
