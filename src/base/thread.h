#ifndef TB_BASE_THREAD_H
#define TB_BASE_THREAD_H

/* Threads that compute: of the setting THREADS, and of a measurement. */
enum { TB_THREADS_MAX = 256 };

/*
 * Runs work(arg) on a new thread and waits for its end. On Linux the thread runs at nice +5, below
 * threads that serve requests; threads and children that it starts inherit that, so compute threads
 * are started in here. Elsewhere, or when no thread can be created, work runs on the caller's.
 */
void tb_thread_lowered(void (*work)(void *arg), void *arg);

#endif
