/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The sweep and all that runs beside it, for SPIN. Documentation/model.rst says what is modelled, what is not, and how
 * to read a trail; tools/model/run has the configurations and runs them.
 *
 * One step (an atomic block, or a statement outside one) is one access that others can see: an atomic instruction on a
 * word, a read of a slot, a note, a hint, a commit state, or a section under a lock. A loop of compare-and-exchange
 * whose decision depends on the word alone is one step. Names are those of module/; numbers are the steps of
 * Documentation/design.rst.
 *
 * Size		N objects, SL slots each, NM mutators of OPS operations each (OPSET: which ones), ROUNDS commits
 * Sweeps	GFIRST: generation of the sweep beside the mutators; TWOSWEEPS: then one of everything
 * Start	0 <-> 1, each held, 0 a candidate; or OLDER, THIRD, GARBAGE, TWOSLOTS, LONE, SELF, SELVES, see init
 * Features	FINALIZE (FINMASK: which objects; FINALIZED: 0 has been), FREEZE, WEAK (NO_ENTRY at first), RETIRE,
 *		SATURATE
 * Variants	FIN_CLAIM: finalizers only after claim and state, as the code does; FREEZE_CMPXCHG: freeze without GATHERED;
 *		MERGED_NO_REREAD: edges counted without a second look at the slot; EARLY_LIVE: what is seen touched when
 *		its slots are followed is live at once, its edges not counted (EARLY_COUNTS: counted); HINT_ALWAYS: listing
 *		sets the hint on a gathered object too; TRYGET_LISTS, GET_NO_LIST: who lists; CLAIMED_WRAP: a version may
 *		wrap to 0 while CLAIMED
 * Mutants	the other names in capitals; tools/model/run says which are harmless
 */
#ifndef N
#define N 2
#endif
#ifndef SL
#define SL 1
#endif
#ifndef NM
#define NM 2
#endif
#ifndef OPS
#define OPS 1
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif
#ifndef GFIRST
#define GFIRST 0
#endif
#define NIL N
#define BIT(x) (1 << (x))

/* What a mutator may do. */
#define OP_PUT		1
#define OP_LOOKUP	2
#define OP_LOAD		4
#define OP_STORE	8
#define OP_ALLOC	16
#define OP_MOVE		32
#define OP_WEAK		64
#define OP_PIN		128
#ifndef OPSET
#define OPSET		(255 - OP_MOVE)
#endif

/* --- the word --- */

#define L 1		/* LISTED */
#define G 2		/* GATHERED */
#define C 4		/* CLAIMED */
#define R 8		/* RELEASED */
#define V 16		/* version is not 0 */
#define ONE 32		/* of the count, to the top */
#define CNT(x) (w[x] >> 5)
byte w[N];
#ifdef SATURATE
#define PINNED 6	/* 5 and more is saturated */
#define SAT(x) (CNT(x) >= 5)
#else
#define SAT(x) false
#endif

/* --- the note: owned by the sweep while GATHERED; the allocation writes all of it --- */

#define TOP 1		/* the oldest generation */
#define FROZEN 2
byte gen[N];
#ifdef FINALIZE
bit fin[N];		/* the finalizer has run in this life */
#ifndef FINMASK
#define FINMASK 1
#endif
#define UNFINAL(x) ((FINMASK & BIT(x)) && !fin[x])
#else
#define UNFINAL(x) false
#endif

byte slot[N * SL];
bit isfree[N];		/* in a magazine, or in its slab */

/* --- slabs: one, or one per object --- */

#ifdef RETIRE
#define NS N
#define SLAB(x) (x)
#define IN_USE 0
#define EMPTIED 1	/* retired; its type may take it back */
#define WAITING 2	/* retired, a grace period has begun; its type may take it back */
#define FOREIGN 3	/* a slab of another type, for which our objects' addresses mean nothing */
#define FOREIGN_WAITING 4
#define OTHER 5		/* the system's: whatever is there, it is no slab */
byte sl[NS];
bit cookie[NS];		/* in the struct page of the slab: this is a slab, carved */
byte readers[NS];	/* who was in a read section when the grace period began, and still is */
#define READABLE(x) assert(sl[SLAB(x)] <= WAITING)
#define RETIRED(s) (sl[s] == EMPTIED || sl[s] == WAITING)
inline grace_begins(s) {
	readers[s] = 0;
	leave_i = 0;
	do
	:: leave_i < NM + 1 -> readers[s] = readers[s] | (rcu[leave_i] << leave_i); leave_i++
	:: else -> break
	od;
	leave_i = 0
}
#else
#define NS 1
#define SLAB(x) 0
#define READABLE(x) skip
#define RETIRED(s) false
#endif
byte hints[(TOP + 1) * NS];	/* per generation and slab a bit per object */
byte dirty[(TOP + 1) * NS];	/* 0 no, 1 on the heap's list, 2 on the sweep's own */
#define AT(g, s) ((g) * NS + (s))

/* --- the commit state: one word --- */

#define IDLE 0
#define PENDING 1
#define COMMITTED 2
#define ABORTED 3	/* FINALIZING is this too */
byte cstate = IDLE;
byte cno = 0;

/* --- read sections; the sweeper is number NM --- */

bit rcu[NM + 1];
inline leave(who) {
	rcu[who] = 0;
#ifdef RETIRE
	leave_i = 0;
	do
	:: leave_i < NS -> readers[leave_i] = readers[leave_i] & ~BIT(who); leave_i++
	:: else -> break
	od;
	leave_i = 0
#endif
}
/* A section that matters only to memory that may be retired. */
#ifdef RETIRE
#define ENTER(who) rcu[who] = 1
#define LEAVE(who) leave(who)
#else
#define ENTER(who) skip
#define LEAVE(who) skip
#endif

#ifdef WEAK
byte went = NIL;	/* the weak table, of one entry */
bit wbit[N];		/* "has a weak entry", in the slab */
#endif

/* --- ghosts: nothing but assertions reads these --- */

byte held[(NM + 1) * N];	/* counted references, by holder */
#define HELD(m, x) held[(m) * N + (x)]
byte done = 0;
#ifdef WEAK
bit life[N];			/* of the object */
bit wlife;			/* of what the entry was made for */
#endif
#ifdef FINALIZE
bit ran[N];			/* the finalizer was called in this life */
byte unheld;			/* bit per object: nobody held it after the edges were counted */
#endif
#ifdef LATE_LINK
bit link[N];			/* the note still has the sweep's link */
#endif

/* --- get, put, release: module/object.c --- */

/* A look without the lock; under the dirty lock, if that saw the slab on no list. */
inline sweep_dirty(x, g) {
	if
	:: atomic { dirty[AT(g, SLAB(x))] -> READABLE(x) }
	:: !dirty[AT(g, SLAB(x))] -> atomic {
		READABLE(x);
		if
#ifdef RETIRED_LISTED
		:: dirty[AT(g, SLAB(x))] == 0 -> dirty[AT(g, SLAB(x))] = 1
#else
		:: dirty[AT(g, SLAB(x))] == 0 && !RETIRED(SLAB(x)) -> dirty[AT(g, SLAB(x))] = 1
#endif
		:: else
		fi
	}
	fi
}

inline set_hint(x, g) {
	atomic { READABLE(x); hints[AT(g, SLAB(x))] = hints[AT(g, SLAB(x))] | BIT(x) }
}

#ifdef LATE_LIST_GIVES_UP
#define LISTING_REFUSED (L | C | G)
#else
#define LISTING_REFUSED (L | C)
#endif

#ifdef HINT_ALWAYS
#define HINT_LATER false
#else
#ifdef HINT_BY_XADD
#define HINT_LATER p_g
#else
#define HINT_LATER (w[x] & G)	/* in the word that LISTED is set in: step 8 comes after, and sees it */
#endif
#endif

/* In the read section in which somebody has seen that the memory is an object, or by who holds it. */
inline object_list(x) {
	atomic {
#ifdef RETIRE
		/* by the header of the slab that has the cookie, not an object of ours */
		assert(sl[SLAB(x)] != OTHER);
		if
#ifndef NO_OBJECT_CHECK
		:: sl[SLAB(x)] >= FOREIGN -> p_list = 0
#endif
		:: else ->
		READABLE(x);
#endif
		if
		:: CNT(x) > 0 && !SAT(x) && !(w[x] & LISTING_REFUSED) -> w[x] = w[x] | L; p_list = !HINT_LATER
		:: else -> p_list = 0
		fi
#ifdef RETIRE
		fi
#endif
	}
	if
	:: p_list ->
		atomic { READABLE(x); p_gen = gen[x] }
		if
		:: p_gen == FROZEN -> skip
		:: else ->
#ifdef DIRTY_FIRST
			sweep_dirty(x, p_gen);
			set_hint(x, p_gen)
#elif defined(LOOK_FIRST)
			if
			:: dirty[AT(p_gen, SLAB(x))] -> set_hint(x, p_gen)
			:: else -> set_hint(x, p_gen); sweep_dirty(x, p_gen)
			fi
#else
			set_hint(x, p_gen);
			sweep_dirty(x, p_gen)
#endif
		fi
	:: else
	fi
}

/*
 * By who has no reference any more, at any time: is this still, or again, a slab? If not it is dead. The section begins
 * before the question and lasts to the end of the listing.
 */
inline list_late(x, who) {
#ifdef RETIRE
#ifdef SECTION_LATE
	p_list = cookie[SLAB(x)];
	rcu[who] = 1;
#else
	atomic {
		rcu[who] = 1;
#ifndef NO_REVALIDATE
		p_list = cookie[SLAB(x)]
#endif
	}
#endif
	if
	:: p_list -> object_list(x)
	:: else
	fi;
	atomic { p_list = 0; p_gen = 0; leave(who) }
#else
	object_list(x);
	atomic { p_list = 0; p_gen = 0 }
#endif
}

#ifdef CLAIMED_WRAP
/* 2^32 times while CLAIMED: whoever gets or puts meanwhile cannot list it */
#define TOUCH(x) if :: w[x] & C -> w[x] = w[x] & ~V :: w[x] = w[x] | V fi
#else
#define TOUCH(x) w[x] = w[x] | V
#endif
#ifdef HINT_BY_XADD
#define SEE_GATHERED(x) p_g = (w[x] & G -> 1 : 0)
#else
#define SEE_GATHERED(x) skip
#endif

inline get(x) {
	atomic {
		assert(CNT(x) > 0 && CNT(x) < 7 && !isfree[x]);
		p_list = !(w[x] & L) && !SAT(x);
		SEE_GATHERED(x);
		if
		:: SAT(x)
		:: else -> w[x] = w[x] + ONE; assert(!SAT(x))
		fi;
		TOUCH(x)
	}
#ifndef GET_NO_LIST
	if
	:: p_list -> object_list(x)
	:: else
	fi;
#endif
	atomic { p_list = 0; p_gen = 0 }
}

/* The memory is somebody else's from here on; its slab may be retired with it. In an atomic block. */
inline give_back(x) {
	assert(!isfree[x]);
	w[x] = 0;
	isfree[x] = 1;
#ifdef RETIRE
	if
	:: skip
	:: sl[SLAB(x)] = EMPTIED; dirty[AT(0, SLAB(x))] = 0; dirty[AT(1, SLAB(x))] = 0;
#ifndef COOKIE_LATE
	   cookie[SLAB(x)] = 0
#endif
	fi
#endif
}

/* Before the memory goes back; count 0, so that no new entry can come. */
inline weak_clear(x) {
#ifdef WEAK
	if
	:: wbit[x] ->
		atomic {
			if
			:: went == x -> went = NIL
			:: else
			fi
		}
		wbit[x] = 0
	:: else
	fi
#else
	skip
#endif
}

/* Puts p_cur, and releases all that dies of it. p_dead: bit per object that waits for its release. */
inline put_all(who) {
	do
	:: p_cur != NIL ->
#ifdef BLIND_PUT
		atomic { p_list = !(w[p_cur] & L) && CNT(p_cur) > 1 }
		if
		:: p_list -> object_list(p_cur)
		:: else
		fi;
#endif
		atomic {
			assert(CNT(p_cur) > 0 && !isfree[p_cur]);
			p_list = !(w[p_cur] & L);
			SEE_GATHERED(p_cur);
			if
			:: SAT(p_cur) -> w[p_cur] = w[p_cur] | V; p_list = 0
			:: else ->
				w[p_cur] = w[p_cur] - ONE;
#ifndef PUT_KEEPS_VERSION
				TOUCH(p_cur)
#endif
			fi;
			if
			:: CNT(p_cur) == 0 ->
				p_list = 0;
				if
				:: p_x == NIL -> p_x = p_cur; p_s = 0
				:: else -> p_dead = p_dead | BIT(p_cur)
				fi;
				p_cur = NIL
			:: CNT(p_cur) > 0 && !p_list -> p_cur = NIL
			:: else
			fi
		}
		/* nothing keeps the object or its memory any more */
		if
		:: p_cur != NIL ->
#ifndef BLIND_PUT
			list_late(p_cur, who);
#endif
			atomic { p_cur = NIL; p_list = 0 }
		:: else
		fi
	:: atomic { p_cur == NIL && p_x != NIL && p_s < SL ->
		p_cur = slot[p_x * SL + p_s]; slot[p_x * SL + p_s] = NIL; p_s++ }
	:: p_cur == NIL && p_x != NIL && p_s == SL ->
#if defined(WEAK) && !defined(WEAK_LATE)
		weak_clear(p_x);
#endif
		/* object_finish() */
		atomic {
			assert(!isfree[p_x] && CNT(p_x) == 0);
			if
#ifndef PLAIN_FINISH
			:: w[p_x] & G -> w[p_x] = G | R
#endif
			:: else -> give_back(p_x)
			fi;
#ifdef WEAK_LATE
		}
		weak_clear(p_x);
		atomic {
#endif
			p_x = NIL; p_s = 0;
			if
			:: p_dead ->
				p_x = 0;
				do
				:: p_dead & BIT(p_x) -> break
				:: else -> p_x++
				od;
				p_dead = p_dead & ~BIT(p_x)
			:: else
			fi
		}
	:: p_cur == NIL && p_x == NIL -> break
	od
}

/* refslab_tryget(), then its slow part. The caller's section has begun; ends it. */
inline tryget(x, ok) {
	atomic {
		READABLE(x);
		if
		:: CNT(x) == 0 -> ok = 0; s_st = 0; leave(m)
		:: CNT(x) > 0 && !(w[x] & C) ->
			if
			:: SAT(x) -> w[x] = w[x] | V
			:: else -> w[x] = (w[x] | V) + ONE
			fi;
			ok = 1; leave(m)
		:: else -> rcu[m] = 1; s_st = 9
		fi
	}
	do
	:: s_st == 0 -> break
	:: else ->
		atomic { s_st = cstate; s_no = cno; w_old = 0 }
		atomic {
			READABLE(x);
			if
			:: CNT(x) == 0 -> ok = 0; s_st = 0; leave(m)
			:: CNT(x) > 0 && !(w[x] & C) ->
				if
				:: SAT(x) -> w[x] = w[x] | V
				:: else -> w[x] = (w[x] | V) + ONE
				fi;
				ok = 1; s_st = 0; leave(m)
			:: else -> w_old = w[x]
			fi
		}
		if
		:: w_old == 0 -> skip
		:: else ->
			atomic {
				if
#ifndef NO_STATE_REREAD
				:: !(cstate == s_st && cno == s_no) -> s_st = 9; w_old = 0
				:: cstate == s_st && cno == s_no ->
#else
				:: true ->
#endif
					if
					:: s_st == COMMITTED ->
						/* dead is said of the dead only */
						assert(CNT(x) == 0 || cstate == COMMITTED);
						ok = 0; s_st = 0; w_old = 0; leave(m)
					:: s_st == IDLE -> s_st = 9; w_old = 0
					:: else
					fi
				fi
			}
			if
			:: w_old && s_st == PENDING -> atomic {
				if
				:: cstate == PENDING && cno == s_no -> cstate = ABORTED
				:: else
				fi;
				s_st = 9; w_old = 0
				}
			:: w_old && s_st == ABORTED -> atomic {
				READABLE(x);
				if
				:: w[x] == w_old -> TOUCH(x); w[x] = w[x] + ONE; ok = 1; s_st = 0; leave(m)
				:: else -> s_st = 9
				fi;
				w_old = 0
				}
			:: else
			fi
		fi
	od;
	atomic { s_st = 0; s_no = 0; w_old = 0 }
}

proctype mutator(byte m) {
	byte ops = OPS, a, b, p = NIL, old = NIL; bit ok;
	byte p_cur = NIL, p_x = NIL, p_s, p_dead, p_gen; bit p_list;
#ifdef HINT_BY_XADD
	bit p_g;
#endif
	byte s_st, s_no, w_old, leave_i;

again:	atomic {
		a = 0; b = 0; p = NIL; old = NIL; ok = 0;
		if
		:: ops == 0 ->
			/* gives back all it holds */
			do
			:: a < N && HELD(m, a) == 0 -> a++
			:: else -> break
			od;
			if
			:: a < N -> HELD(m, a)--; p_cur = a; a = 0; goto put
			:: else -> goto end
			fi
		:: else -> ops--
		fi;
		if
		:: (OPSET & OP_PUT) -> select(a : 0 .. N - 1);
			if
			:: HELD(m, a) > 0 -> HELD(m, a)--; p_cur = a; a = 0; goto put
			:: else -> goto again
			fi
		:: (OPSET & OP_ALLOC) -> select(a : 0 .. N - 1);
			if
			:: isfree[a] -> goto alloc
			:: else -> goto again
			fi
		:: (OPSET & OP_LOOKUP) ->
#ifdef WEAK
			goto lookup
#else
			select(a : 0 .. N - 1); goto lookup
#endif
		:: (OPSET & OP_LOAD) -> select(a : 0 .. N * SL - 1);
			if
			:: HELD(m, a / SL) > 0 -> goto load
			:: else -> goto again
			fi
		:: (OPSET & OP_STORE) -> select(a : 0 .. N * SL - 1); select(b : 0 .. N);
			if
			:: HELD(m, a / SL) > 0 && (b == NIL || HELD(m, (b == NIL -> 0 : b)) > 0) -> goto store
			:: else -> goto again
			fi
#if SL > 1
		:: (OPSET & OP_MOVE) -> select(a : 0 .. N * SL - 1); select(b : 0 .. N * SL - 1);
			if
			:: a != b && HELD(m, a / SL) > 0 && HELD(m, b / SL) > 0 && slot[b] != NIL -> goto move
			:: else -> goto again
			fi
#endif
#ifdef WEAK
		:: (OPSET & OP_WEAK) -> select(a : 0 .. N - 1);
			if
			:: HELD(m, a) > 0 && went == NIL -> goto weak
			:: else -> goto again
			fi
#endif
#ifdef SATURATE
		:: (OPSET & OP_PIN) -> select(a : 0 .. N - 1);
			if
			:: HELD(m, a) > 0 -> w[a] = (w[a] & (31 - L)) | V | (PINNED * ONE); goto again
			:: else -> goto again
			fi
#endif
		fi
	}
lookup:	/* by the weak table, or by an address learnt somewhere: type-stable memory alone makes that safe */
#ifdef WEAK
	atomic {
		a = went;
		if
		:: a == NIL -> a = 0; goto again
		:: else -> ENTER(m)
		fi
	}
	tryget(a, ok);
	atomic {
		if
#ifndef WEAK_NO_REREAD
		:: ok && went != a -> p_cur = a
		:: ok && went == a ->
#else
		:: ok ->
#endif
			assert(life[a] == wlife); HELD(m, a)++
		:: else
		fi;
		a = 0
	}
#else
	atomic {
#ifdef RETIRE
		/* learnt in this section from something that a release clears */
		if
		:: sl[SLAB(a)] != IN_USE -> goto again
		:: else
		fi;
#endif
		ENTER(m)
	}
	tryget(a, ok);
	atomic { if :: ok -> HELD(m, a)++ :: else fi }
#ifdef TRYGET_LISTS
	if
	:: ok && !(w[a] & L) -> object_list(a)
	:: else
	fi;
	atomic { p_list = 0; p_gen = 0 }
#endif
	a = 0;
#endif
	goto put;
load:	atomic {
		p = slot[a];
		if
		:: p == NIL -> goto again
		:: else -> ENTER(m)
		fi
	}
	tryget(p, ok);
	atomic {
		if
		:: ok && slot[a] == p -> HELD(m, p)++
		:: ok && slot[a] != p -> p_cur = p
		:: else
		fi
	}
#ifdef TRYGET_LISTS
	if
	:: ok && p_cur == NIL && !(w[p] & L) -> object_list(p)
	:: else
	fi;
	atomic { p_list = 0; p_gen = 0 }
#endif
	goto put;
store:	if
	:: b != NIL -> get(b)
	:: else
	fi;
	atomic { p_cur = slot[a]; slot[a] = b }
	goto put;
#if SL > 1
move:	atomic { p = slot[b]; slot[b] = NIL }
	if
	:: p == NIL -> goto again
	:: else
	fi;
#ifdef MOVE_UNTOUCHED
	atomic { p_cur = slot[a]; slot[a] = p }
	goto put;
#else
	get(p);
	atomic { old = slot[a]; slot[a] = p }
	atomic { p_cur = p; p = NIL }
	put_all(m);
	atomic { p_cur = old; old = NIL }
	goto put;
#endif
#endif
alloc:	atomic {
		if
#ifdef RETIRE
		:: !isfree[a] || sl[SLAB(a)] == FOREIGN || sl[SLAB(a)] == FOREIGN_WAITING -> goto again
#else
		:: !isfree[a] -> goto again
#endif
		:: else
		fi;
		isfree[a] = 0;
#ifdef NEVER_EARLY
		/* no mutant: it must fail, or GIVE_EARLY shows nothing */
		p = 0;
		do
		:: p < N -> assert(!(w[p] & C) || cstate != COMMITTED); p++
		:: else -> break
		od;
#endif
		assert(w[a] == 0);
		gen[a] = 0;
		p = 0;
		do
		:: p < SL -> slot[a * SL + p] = NIL; p++
		:: else -> break
		od;
#ifdef RETIRE
		if
		:: sl[SLAB(a)] == OTHER -> hints[AT(0, SLAB(a))] = 0; hints[AT(1, SLAB(a))] = 0
		:: else
		fi;
#ifdef REVIVED_NO_COOKIE
		if
		:: sl[SLAB(a)] == OTHER -> cookie[SLAB(a)] = 1
		:: else
		fi;
#else
		cookie[SLAB(a)] = 1;
#endif
		sl[SLAB(a)] = IN_USE; readers[SLAB(a)] = 0;
#endif
#ifdef FINALIZE
		fin[a] = 0; ran[a] = 0;
#endif
#ifdef WEAK
		life[a] = !life[a];
#endif
#ifdef LATE_LINK
		link[a] = 0;
#endif
	}
	atomic { w[a] = ONE; HELD(m, a) = 1 }
	goto again;
#ifdef WEAK
weak:
#ifndef WEAK_BIT_LATE
	wbit[a] = 1;
#endif
	atomic {
		if
		:: went == NIL -> went = a; wlife = life[a]
		:: else
		fi
	}
#ifdef WEAK_BIT_LATE
	wbit[a] = 1;
#endif
	goto again;
#endif
put:	put_all(m);
	goto again;
end:	done++
}

/* --- the sweep: module/sweep.c --- */

#define TOUCHED(x) (w[x] & (V | L))
#define FOR(v, n) v = 0; do :: v < (n) ->
#define END(v) ; v++ :: else -> break od

/* In a read section. */
inline gather(x, hinted) {
	atomic {
		READABLE(x);
		if
		:: CNT(x) > 0 && !SAT(x) && !(w[x] & G) && (!hinted || (w[x] & L)) ->
			if
			:: w[x] & L -> cand = cand | BIT(x)
			:: else
			fi;
			assert(!isfree[x]);
			w[x] = (w[x] & ~31) | G;
			scratch[x] = 0; tent = tent | BIT(x);
#ifdef LATE_LINK
			link[x] = 1;
#endif
			q[qn] = x; qn++
		:: else
		fi
	}
}

inline gather_hinted(g) {
	FOR(gg, g + 1)
		atomic { FOR(s, NS) if :: dirty[AT(gg, s)] == 1 -> dirty[AT(gg, s)] = 2 :: else fi END(s); s = 0 }
		FOR(s, NS)
			atomic {
				ENTER(NM); hb = 0;
				if
				:: dirty[AT(gg, s)] == 2 ->
#ifdef HINT_FIRST
					hb = hints[AT(gg, s)]; hints[AT(gg, s)] = 0;
				:: else -> skip
				fi
			}
			atomic {
				if
				:: dirty[AT(gg, s)] == 2 -> dirty[AT(gg, s)] = 0
#else
					dirty[AT(gg, s)] = 0; chg = 1
#endif
				:: else -> skip
				fi
			}
#ifndef HINT_FIRST
			atomic {
				if
				:: chg -> hb = hints[AT(gg, s)]; hints[AT(gg, s)] = 0; chg = 0
				:: else -> skip
				fi
			}
#endif
			if
			:: hb ->
				FOR(i, N)
					if
					:: hb & BIT(i) ->
						atomic { READABLE(i); t = gen[i] }
						if
						:: t == FROZEN -> skip		/* its LISTED stays; unfreeze finds it */
						:: t != FROZEN && t > g -> set_hint(i, t); sweep_dirty(i, t)
						:: t <= g -> gather(i, true)
						fi
					:: else
					fi
				END(i);
				atomic { i = 0; t = 0; hb = 0 }
			:: else
			fi;
			atomic { LEAVE(NM) }
		END(s)
	END(gg);
	atomic { gg = 0; s = 0 }
}

/* From q[from] on, which grows meanwhile. */
inline gather_reached(g) {
	FOR(j, qn)
#ifdef EARLY_LIVE
		atomic {
			if
			:: (tent & BIT(q[j])) && TOUCHED(q[j]) -> tent = tent & ~BIT(q[j]); live = 1
			:: else
			fi
		}
#endif
		FOR(s, SL)
			atomic { ENTER(NM); t = slot[q[j] * SL + s] }
			if
			:: t != NIL ->
				atomic { READABLE(t); t_gen = gen[t] }
				if
				:: t_gen <= g -> gather(t, false)
				:: else
				fi;
				/* 2. where it is followed: the slot still says so after the target was gathered */
				atomic {
					if
#if defined(EARLY_LIVE) && !defined(EARLY_COUNTS)
					:: !(tent & BIT(q[j])) -> skip
#endif
#ifdef MERGED_NO_REREAD
					:: (w[t] & G) -> scratch[t]++
#else
					:: (w[t] & G) && slot[q[j] * SL + s] == t -> scratch[t]++
#endif
					:: else
					fi
				}
			:: else
			fi;
			atomic { LEAVE(NM); t = 0; t_gen = 0 }
		END(s)
	END(j);
	atomic { j = 0; s = 0 }
}

/* One look at each of T, and through the slots of what is live. */
inline mark_touched() {
#ifdef FINALIZE
	atomic {
		unheld = 0;
		FOR(i, N) FOR(s, NM + 1) if :: HELD(s, i) -> break :: else fi END(s);
			if :: s == NM + 1 -> unheld = unheld | BIT(i) :: else fi END(i);
		i = 0; s = 0
	}
#endif
	FOR(j, qn)
		atomic {
			i = q[j]; mk = 0;
			if
			:: (tent & BIT(i)) && (TOUCHED(i) || SAT(i) || CNT(i) == 0 || CNT(i) != scratch[i]
#ifdef FINALIZE
			   || (pass == 1 && UNFINAL(i))
#endif
			   ) -> mk = BIT(i); tent = tent & ~BIT(i); live = 1
			:: else
			fi;
			i = 0
		}
		do
		:: mk ->
			atomic {
				i = 0;
				do
				:: mk & BIT(i) -> break
				:: else -> i++
				od;
				mk = mk & ~BIT(i)
			}
			FOR(s, SL)
				atomic {
					t = slot[i * SL + s];
					if
					:: tent & BIT(t) -> tent = tent & ~BIT(t); mk = mk | BIT(t)
					:: else
					fi;
					t = 0
				}
			END(s)
		:: else -> break
		od
	END(j);
	atomic { i = 0; j = 0; s = 0 }
}

inline recount() {
	live = 1;
	do
	:: live ->
		live = 0;
		atomic { FOR(i, N) if :: tent & BIT(i) -> scratch[i] = 0 :: else fi END(i); i = 0 }
		FOR(j, qn)
			FOR(s, SL)
				atomic {
					if
					:: tent & BIT(q[j]) ->
						t = slot[q[j] * SL + s];
						if
						:: tent & BIT(t) -> scratch[t]++
						:: else
						fi
					:: else
					fi;
					t = 0
				}
			END(s)
		END(j);
		mark_touched()
	:: else -> break
	od
}

inline grace() {
	i = 0;
	do
	:: i < NM -> rcu[i] == 0; i++
	:: else -> break
	od;
	i = 0
}

/* 5 and 6. dead = 1 at the instant T dies; 2 if finalizers come first. */
inline commit() {
	atomic { cno++; cstate = PENDING; fail = 0; n = 0 }
	do
	:: n < qn && !fail ->
		atomic {
			i = q[n];
			if
			:: !(tent & BIT(i)) -> n++
			:: (tent & BIT(i)) && w[i] == (scratch[i] * ONE | G) -> w[i] = w[i] | C; n++
			:: else -> fail = 1
			fi;
			i = 0
		}
	:: else -> break
	od;
	atomic {
		if
#ifdef NO_HELP
		:: !fail
#else
		:: !fail && cstate == PENDING
#endif
		   ->
#if defined(FINALIZE) && defined(FIN_CLAIM)
			if
			:: pass == 0 && need -> cstate = ABORTED; dead = 2
			:: else -> cstate = COMMITTED; dead = 1
			fi
#else
			cstate = COMMITTED; dead = 1
#endif
		:: else -> skip
		fi
	}
	if
	:: !dead ->
		cstate = ABORTED;
		/* unclaim, up to the one that failed */
		FOR(j, n)
			atomic { if :: tent & BIT(q[j]) -> w[q[j]] = w[q[j]] & ~C :: else fi }
		END(j);
		j = 0;
#ifndef NO_GRACE
		grace();
#endif
	:: else
	fi;
	atomic { n = 0; fail = 0 }
}

/* 8, for one object. */
inline let_go(x, relist) {
	atomic { ENTER(NM);
		 t = gen[x]; if :: CNT(x) > 0 && t < TOP -> t++ :: else fi;
#ifndef GEN_LATE
		 gen[x] = t;
#ifdef FIN_FORGOTTEN
		 fin[x] = 0;
#endif
#endif
	}
	atomic {
		assert(w[x] & G);
		hb = 0;
		if
		:: w[x] & R -> assert(CNT(x) == 0 && !isfree[x]); give_back(x)
#ifdef KEEP_GATHERED
		:: !(w[x] & R) && CNT(x) == 0 -> skip
#else
		:: !(w[x] & R) && CNT(x) == 0 -> w[x] = w[x] & ~(G | L)
#endif
		:: !(w[x] & R) && CNT(x) > 0 ->
			hb = !SAT(x) && (relist || TOUCHED(x) || (rg < TOP && (cand & BIT(x))));
			w[x] = (w[x] & ~(G | L)) | (hb -> L : 0)
		fi
	}
#ifdef GEN_LATE
	if :: CNT(x) > 0 -> gen[x] = t :: else fi;
#endif
	if
	:: hb -> set_hint(x, t); sweep_dirty(x, t)
	:: else
	fi;
	atomic { hb = 0; t = 0; cand = cand & ~BIT(x); LEAVE(NM) }
}

/* 7 */
inline free_t() {
	FOR(j, qn)
		if
		:: tent & BIT(q[j]) ->
			i = q[j];
			FOR(s, NM + 1) assert(HELD(s, i) == 0) END(s);
			assert(!isfree[i] && w[i] == (scratch[i] * ONE | G | C));
#ifdef FINALIZE
			assert(!(FINMASK & BIT(i)) || ran[i]);
#endif
			FOR(s, SL)
				atomic {
					t = slot[i * SL + s]; slot[i * SL + s] = NIL;
					/* the counts within T die with it */
					if
					:: t != NIL && !(w[(t == NIL -> 0 : t)] & C) -> p_cur = t
					:: else
					fi;
					t = 0
				}
				put_all(NM)
			END(s);
			atomic { i = 0; s = 0 }
		:: else
		fi
	END(j);
	FOR(j, qn)
		if
		:: tent & BIT(q[j]) ->
#ifndef WEAK_COMMIT_FORGOTTEN
			weak_clear(q[j]);
#endif
			atomic {
				assert(w[q[j]] == (scratch[q[j]] * ONE | G | C));
				w[q[j]] = G | R
			}
#ifdef GIVE_EARLY
			/* while others of T are claimed still; its next life may begin */
			atomic { give_back(q[j]) }
#endif
		:: else
		fi
	END(j);
	j = 0
}

#ifdef FINALIZE
inline needs() {
	atomic { FOR(i, N) if :: (tent & BIT(i)) && UNFINAL(i) -> need = 1 :: else fi END(i); i = 0 }
}

/* What a finalizer may do with the reference it is lent. */
inline call_finalizer(x) {
	assert(!ran[x] && CNT(x) > 0 && !isfree[x]);
	atomic { ran[x] = 1;
		 if
		 :: skip
		 :: n = 1
		 :: n = 2
		 :: n = 3
		 fi }
	if
	:: n == 1 -> get(x); HELD(NM, x)++			/* keeps the object for later */
	:: n == 2 -> atomic { p_cur = slot[x * SL]; slot[x * SL] = NIL } put_all(NM)
	:: n == 3 -> get(x); atomic { p_cur = slot[x * SL]; slot[x * SL] = x } put_all(NM)
	:: else
	fi;
	n = 0
}

#if defined(FIN_CLAIM) || defined(FIN_ANY)
#define LENDABLE(x) true
#else
#define LENDABLE(x) (!TOUCHED(x) && CNT(x) == scratch[x])
#endif

/* T holds members that have not been finalized. Leaves in q what is still gathered, for a second pass. */
inline finalize() {
	/* let the gathered outside T go */
	FOR(j, qn)
		if
		:: !(tent & BIT(q[j])) -> let_go(q[j], false)
		:: else
		fi
	END(j);
	atomic {
		n = 0;
		FOR(j, qn) if :: tent & BIT(q[j]) -> q[n] = q[j]; n++ :: else fi END(j);
		qn = n; j = n;
		do :: j < N -> q[j] = 0; j++ :: else -> break od;
		n = 0; j = 0; tmp = 0
	}
	/* lend a reference to each that has a finalizer to run and is not dead */
	FOR(j, qn)
		atomic {
			i = q[j];
			assert(unheld & BIT(i));
			if
			:: CNT(i) > 0 ->
				w[i] = w[i] & ~C;
				if
				:: UNFINAL(i) && LENDABLE(i) ->
#ifndef FIN_NO_REF
					w[i] = (w[i] | V) + ONE;
#endif
					tmp = tmp | BIT(i)
				:: else
				fi
			:: else
			fi;
			i = 0
		}
	END(j);
#if defined(FIN_CLAIM) && !defined(FIN_NO_GRACE)
	grace();
#endif
	FOR(j, qn)
		if
		:: tmp & BIT(q[j]) -> i = q[j];
#ifndef FIN_MARK_LATE
			fin[i] = 1;
#endif
			call_finalizer(i)
		:: else
		fi
	END(j);
#ifndef FIN_NO_REF
	FOR(j, qn)
		if
		:: tmp & BIT(q[j]) -> atomic { tmp = tmp & ~BIT(q[j]); p_cur = q[j] } put_all(NM)
		:: else
		fi
	END(j);
#endif
	/* T again, as candidates */
	tent = 0;
	FOR(j, qn)
		atomic {
			i = q[j]; scratch[i] = 0; tent = tent | BIT(i); cand = cand | BIT(i);
			if
			:: CNT(i) > 0 && !SAT(i) -> w[i] = (w[i] & ~31) | G
			:: else
			fi;
			i = 0
		}
	END(j);
	atomic { cstate = IDLE; i = 0; j = 0; dead = 0; tmp = 0; need = 0; pass = 1 }
}
#endif

/* What finalizers kept. */
#ifdef FINALIZE
inline finalizers_put() {
	FOR(j, N)
		if
		:: HELD(NM, j) -> atomic { HELD(NM, j)--; p_cur = j } put_all(NM)
		:: else
		fi
	END(j);
	j = 0
}
#endif

inline sweep(g) {
	atomic { rg = g; qn = 0; tent = 0; cand = 0; pass = 0 }
	gather_hinted(g);
	do
	:: true ->
		live = 0;
		gather_reached(g);
		mark_touched();
		atomic { k = 0; dead = 0 }
		do
		:: k < ROUNDS ->
#ifndef NO_RECOUNT
			if
			:: live -> recount()
			:: else
			fi;
#endif
			if
			:: tent == 0 -> break
			:: else
			fi;
#ifdef FINALIZE
			need = 0;
			if
			:: pass == 0 -> needs()
			:: else
			fi;
#ifndef FIN_CLAIM
			if
			:: need -> dead = 2; break
			:: else
			fi;
#endif
#endif
			commit();
			if
			:: dead -> break
			:: else -> atomic { live = 1; k++ }
			fi
		:: else -> break
		od;
#ifdef FINALIZE
		if
		:: dead == 2 -> finalize()
		:: else -> break
		fi
#else
		break
#endif
	od;
	if
#ifdef GIVE_EARLY
	:: dead == 1 -> free_t()
#else
	:: dead == 1 -> free_t(); tent = 0
#endif
	:: else
	fi;
	cstate = IDLE;
	FOR(j, qn)
#ifdef LATE_LINK
		if
		:: j > 0 && !link[q[j - 1]] -> break	/* the note was overwritten: the end of the list */
		:: else
		fi;
#endif
#ifdef FINALIZE
		let_go(q[j], (tent & BIT(q[j])) || (pass == 1 && UNFINAL(q[j])))
#else
#ifdef GIVE_EARLY
		if
		:: dead == 1 && (tent & BIT(q[j])) -> skip	/* it is somebody else's */
		:: else -> let_go(q[j], (dead != 1 && (tent & BIT(q[j]))))
		fi
#else
		let_go(q[j], (tent & BIT(q[j])))
#endif
#endif
	END(j);
	atomic {
		i = 0; t = 0; s = 0; j = 0; n = 0; k = 0; qn = 0; tent = 0; cand = 0; live = 0; dead = 0; pass = 0; rg = 0;
#ifdef FINALIZE
		need = 0; tmp = 0; unheld = 0;
#endif
		FOR(i, N) q[i] = 0; scratch[i] = 0 END(i); i = 0
	}
}

#ifdef FREEZE
#ifdef FINALIZE
#define SAME_NOTE(x) (gen[x] == t && fin[x] == n)
#else
#define SAME_NOTE(x) (gen[x] == t)
#endif

#ifndef FREEZE_CMPXCHG
/* module/freeze.c: GATHERED for a moment, and with it the right to write the note */
inline walk(want, new, list) {
	FOR(i, N)
		atomic { t = (CNT(i) > 0 -> 1 : 0) }
		if
		:: t -> atomic { t = ((gen[i] == FROZEN) == want) }
		:: else
		fi;
		if
		:: t ->
			/* sweep_own() */
			atomic {
				if
#ifdef FREEZE_UNOWNED
				:: CNT(i) > 0 && !SAT(i) -> skip
#else
				:: CNT(i) > 0 && !SAT(i) && !(w[i] & G) -> w[i] = (w[i] & ~31) | G
#endif
				:: else -> t = 0
				fi
			}
		:: else
		fi;
		if
		:: t ->
			/* sweep_disown() */
#ifdef FINALIZE
			atomic { n = fin[i] }
			atomic { gen[i] = new; fin[i] = n; n = 0; ENTER(NM) }
#else
			atomic { gen[i] = new; ENTER(NM) }
#endif
			atomic {
				t = 0;
				if
				:: w[i] & R -> assert(CNT(i) == 0 && !isfree[i]); give_back(i)
				:: !(w[i] & R) && CNT(i) == 0 -> w[i] = w[i] & ~(G | L)
				:: !(w[i] & R) && CNT(i) > 0 ->
					t = (!SAT(i) && (list || TOUCHED(i)) -> 1 : 0);
					w[i] = (w[i] & ~(G | L)) | (t -> L : 0)
				fi
			}
			if
			:: t && new != FROZEN -> set_hint(i, new); sweep_dirty(i, new)
			:: else
			fi;
			atomic { t = 0; LEAVE(NM) }
		:: else
		fi
	END(i);
	i = 0
}

inline freeze() {
	walk(0, FROZEN, 0)
}

inline unfreeze() {
	walk(1, TOP, 1)
}
#else
inline freeze() {
	FOR(i, N)
		atomic { t = (CNT(i) > 0 -> 1 : 0) }
		if
		:: t ->
			atomic { t = gen[i];
#ifdef FINALIZE
				 n = fin[i]
#endif
			}
			/* cmpxchg: the object may have died and be in its next life */
			atomic {
				if
#ifdef FREEZE_PLAIN_STORE
				:: true -> gen[i] = FROZEN;
#ifdef FINALIZE
					fin[i] = n
#endif
#else
				:: SAME_NOTE(i) -> gen[i] = FROZEN
				:: else
#endif
				fi;
				t = 0; n = 0
			}
		:: else
		fi
	END(i);
	i = 0
}

inline unfreeze() {
	FOR(i, N)
		atomic { t = gen[i];
#ifdef FINALIZE
			 n = fin[i]
#endif
		}
		if
		:: t == FROZEN ->
			atomic {
				if
				:: SAME_NOTE(i) -> gen[i] = TOP
				:: else
				fi
			}
			atomic {
				t = 0;
				if
#ifdef UNFREEZE_SKIPS_LISTED
				:: CNT(i) > 0 && !SAT(i) && !(w[i] & L) -> w[i] = w[i] | L; t = 1
#else
				:: CNT(i) > 0 && !SAT(i) -> w[i] = w[i] | L; t = 1
#endif
				:: else
				fi
			}
			if
#ifdef UNFREEZE_STALE_GEN
			:: t -> set_hint(i, TOP); sweep_dirty(i, TOP)
#else
			/* of the life that was listed, which may not be the one that was thawed */
			:: t -> atomic { READABLE(i); t = gen[i] } set_hint(i, t); sweep_dirty(i, t)
#endif
			:: else
			fi;
		:: else
		fi
	END(i);
	atomic { i = 0; t = 0; n = 0 }
}
#endif
#endif

proctype sweeper() {
	byte rg, i, j, s, t, t_gen, n, k, gg, hb, mk; bit chg, fail, live;
	byte dead, pass, tent, cand, qn, q[N], scratch[N], rest;
	byte p_cur = NIL, p_x = NIL, p_s, p_dead, p_gen; bit p_list;
#ifdef HINT_BY_XADD
	bit p_g;
#endif
	byte leave_i;
#ifdef FINALIZE
	bit need; byte tmp;
#endif
#ifdef FREEZE
	freeze();
	sweep(1);
	unfreeze();
#endif
#ifndef NO_SWEEP
	sweep(GFIRST);
#endif
#ifdef TWOSWEEPS
	sweep(1);
#endif
#ifdef FINALIZE
	finalizers_put();
#endif
	atomic {
		done == NM;
		/* as candidate_validate(): nothing left over, no candidate lost */
		FOR(i, N)
			assert(!(w[i] & (G | C | R)));
			assert(isfree[i] == (CNT(i) == 0));
			if
			:: CNT(i) > 0 && (w[i] & L) && gen[i] != FROZEN && !SAT(i) ->
				assert((hints[AT(gen[i], SLAB(i))] & BIT(i)) && dirty[AT(gen[i], SLAB(i))] == 1)
			:: else
			fi
		END(i);
		i = 0;
		k = 0;
		/* sweeps that start from the hints alone free everything but what is pinned */
		gg = 0;
		FOR(rest, N + 2)
#ifdef FINALIZE
			finalizers_put();
#endif
			sweep(1)
		END(rest);
		t = 0;
#ifdef SATURATE
		FOR(i, N) if :: SAT(i) -> t = t | BIT(i) :: else fi END(i);
		FOR(j, N) FOR(i, N * SL) if :: (t & BIT(i / SL)) && slot[i] != NIL -> t = t | BIT(slot[i]) :: else fi END(i) END(j);
#endif
		FOR(i, N) assert((t & BIT(i)) || (isfree[i] && CNT(i) == 0)) END(i);
		i = 0
	}
}

#ifdef RETIRE
/* The pool's work: a chunk whose grace period is over goes to another type or back to the system. */
#define CHUNK(s) \
	:: atomic { sl[s] == EMPTIED -> sl[s] = WAITING; grace_begins(s) } \
	:: atomic { (sl[s] == WAITING || sl[s] == FOREIGN_WAITING) && readers[s] == 0 -> \
		sl[s] = OTHER; cookie[s] = 0; assert(!dirty[AT(0, s)] && !dirty[AT(1, s)]) } \
	:: atomic { sl[s] == OTHER -> sl[s] = FOREIGN; cookie[s] = 1 } \
	:: atomic { sl[s] == FOREIGN -> sl[s] = FOREIGN_WAITING; cookie[s] = 0; grace_begins(s) }

active proctype pool() {
	byte leave_i;
end:	do
	CHUNK(0)
#if N > 1
	CHUNK(1)
#endif
	:: done == NM -> break
	od
}
#endif

#define CANDIDATE(x) w[x] = w[x] | L; hints[AT(gen[x], SLAB(x))] = hints[AT(gen[x], SLAB(x))] | BIT(x); \
	dirty[AT(gen[x], SLAB(x))] = 1
#define ADD(x) w[x] = w[x] + ONE
#define HOLD(m, x) ADD(x); HELD(m, x) = 1

init {
	byte i;
	atomic {
		FOR(i, N * SL) slot[i] = NIL END(i);
		FOR(i, N) isfree[i] = 1 END(i);
		isfree[0] = 0;
#ifdef RETIRE
		FOR(i, NS) cookie[i] = 1 END(i);
#endif
#ifdef LONE
		/* 0, held once */
		HOLD(0, 0);
#else
#ifdef SELF
		/* 0 -> 0, held once, or garbage */
		slot[0] = 0; ADD(0); CANDIDATE(0);
#ifndef GARBAGE
		HOLD(0, 0);
#endif
#else
#ifdef SELVES
		/* 0 -> 0 and 1 -> 1, garbage, for one sweep each */
		isfree[1] = 0; gen[1] = 1;
		slot[0] = 0; ADD(0); CANDIDATE(0); slot[SL] = 1; ADD(1); CANDIDATE(1);
#else
		isfree[1] = 0;
		slot[0 * SL] = 1; ADD(1); slot[1 * SL] = 0; ADD(0);
#ifdef TWOSLOTS
		/* and each to itself */
		slot[0 * SL + 1] = 0; ADD(0); slot[1 * SL + 1] = 1; ADD(1);
#endif
#ifdef GARBAGE
		/* nobody holds them */
		CANDIDATE(0);
#else
#ifdef THIRD
		/* 2 -> 0, and of these three only 2 is held, and a candidate */
		isfree[2] = 0; slot[2 * SL] = 0; ADD(0); HOLD(0, 2); CANDIDATE(2);
#else
		HOLD(0, 0);
#if NM > 1
		HOLD(1, 1);
#endif
#endif
#ifdef OLDER
		gen[1] = 1;
#else
#ifndef THIRD
		CANDIDATE(0);
#endif
#endif
#endif
#endif
#endif
#endif
#ifdef WEAK
#ifndef NO_ENTRY
		wbit[0] = 1; went = 0;
#endif
#endif
#ifdef FINALIZED
		fin[0] = 1; ran[0] = 1;
#endif
		run mutator(0);
#if NM > 1
		run mutator(1);
#endif
		run sweeper()
	}
}
