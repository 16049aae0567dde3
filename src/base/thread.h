#ifndef TB_BASE_THREAD_H
#define TB_BASE_THREAD_H

/* Threads that compute: of the setting THREADS, and of a measurement. */
enum { TB_THREADS_MAX = 256 };

/*
 * Runs work(arg) to its end on a thread that has less of the processor than others where they want
 * it too (nice 5 more, on Linux; elsewhere, and when there is no thread to be had, on the
 * caller's). The threads and children that it starts have inherited that for good: what is started
 * in here computes, and gives way to those who only answer.
 */
void tb_thread_lowered(void (*work)(void *arg), void *arg);

#endif
