/*
 * Tests of the queue: bounds, fairness of lanes and jobs, brief and long work, draining, removal.
 */
#include "base/mem.h"
#include "base/str.h"
#include "job/queue.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    tb_queue_entry entry; /* first: an entry is its job */
    char name;
    int pieces;  /* after the next one */
    double cost; /* of each */
} job;

/* Jobs pass one at a time through a gate that the test opens; what they were is written down. */
typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int pass; /* how many jobs may still end */
    int inside, released;
    char order[64];
    size_t n;
} stage;

static void stage_init(stage *s)
{
    *s = (stage){0};
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
}

static void stage_end(stage *s)
{
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->changed);
}

static tb_queue_piece run(void *self, tb_queue_entry *entry)
{
    stage *s = self;
    job *j = (job *)entry;
    pthread_mutex_lock(&s->lock);
    s->order[s->n++] = j->name;
    s->inside++;
    pthread_cond_broadcast(&s->changed);
    while (s->pass == 0)
        pthread_cond_wait(&s->changed, &s->lock);
    s->pass--;
    s->inside--;
    const tb_queue_piece piece = {.again = j->pieces > 0, .cost = j->cost};
    if (j->pieces > 0) j->pieces--;
    pthread_mutex_unlock(&s->lock);
    return piece;
}

static void release(void *self, tb_queue_entry *entry)
{
    stage *s = self;
    (void)entry;
    pthread_mutex_lock(&s->lock);
    s->released++;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

static void let(stage *s, int n)
{
    pthread_mutex_lock(&s->lock);
    s->pass += n;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

static void wait_inside(stage *s, int n)
{
    pthread_mutex_lock(&s->lock);
    while (s->inside != n)
        pthread_cond_wait(&s->changed, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

/* Until the n-th piece has begun. */
static void wait_begun(stage *s, size_t n)
{
    pthread_mutex_lock(&s->lock);
    while (s->n < n)
        pthread_cond_wait(&s->changed, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

static void push(tb_queue *q, const char *lane, job *j, char name)
{
    *j = (job){.name = name};
    assert_int_equal(tb_queue_push(q, lane, &j->entry, NULL), TB_OK);
}

static void the_queue_and_each_lane_are_bounded(void **state)
{
    (void)state;
    stage s;
    tb_queue *q;
    tb_err err = {0};
    job j[8];
    int waiting, running, workers;
    bool stopping;
    stage_init(&s);
    assert_int_equal(tb_queue_new(1, 3, 2, run, release, &s, &q, NULL), TB_OK);
    push(q, "a", &j[0], '0');
    wait_inside(&s, 1); /* what runs does not wait any more */
    push(q, "a", &j[1], '1');
    push(q, "a", &j[2], '2');
    assert_int_equal(tb_queue_push(q, "a", &j[3].entry, &err), TB_EBUSY);
    assert_true(err.msg[0]);
    push(q, "b", &j[4], '4');
    assert_int_equal(tb_queue_push(q, "c", &j[5].entry, &err), TB_EBUSY);
    tb_queue_look(q, &waiting, &running, &workers, &stopping);
    assert_int_equal(waiting, 3);
    assert_int_equal(running, 1);
    assert_int_equal(workers, 1);
    assert_false(stopping);
    let(&s, 4);
    assert_true(tb_queue_drain(q, 60000));
    tb_queue_free(q);
    assert_int_equal(s.n, 4);
    assert_int_equal(s.released, 4);
    stage_end(&s);
}

static void lanes_take_turns_and_those_who_waited_longest_come_first(void **state)
{
    (void)state;
    stage s;
    tb_queue *q;
    job j[8];
    stage_init(&s);
    assert_int_equal(tb_queue_new(1, 100, 100, run, release, &s, &q, NULL), TB_OK);
    push(q, "a", &j[0], 'a');
    wait_inside(&s, 1);
    push(q, "a", &j[1], 'a');
    push(q, "a", &j[2], 'a');
    push(q, "a", &j[3], 'a');
    push(q, "b", &j[4], 'b');
    push(q, "b", &j[5], 'b');
    push(q, "c", &j[6], 'c');
    push(q, "d", &j[7], 'd');
    let(&s, 8);
    assert_true(tb_queue_drain(q, 60000));
    tb_queue_free(q);
    assert_string_equal(s.order, "abcdabaa");
    stage_end(&s);
}

static void a_caller_with_running_jobs_waits_for_the_others(void **state)
{
    (void)state;
    stage s;
    tb_queue *q;
    job j[5];
    stage_init(&s);
    assert_int_equal(tb_queue_new(2, 100, 100, run, release, &s, &q, NULL), TB_OK);
    push(q, "a", &j[0], 'a');
    push(q, "a", &j[1], 'a');
    wait_inside(&s, 2);
    push(q, "a", &j[2], 'a');
    push(q, "a", &j[3], 'a');
    push(q, "b", &j[4], 'b');
    let(&s, 1);
    wait_begun(&s, 3);
    assert_int_equal(s.order[2], 'b');
    let(&s, 4);
    assert_true(tb_queue_drain(q, 60000));
    tb_queue_free(q);
    assert_int_equal(s.n, 5);
    stage_end(&s);
}

static void a_waiting_job_can_be_removed_and_a_running_one_not(void **state)
{
    (void)state;
    stage s;
    tb_queue *q;
    job j[5], stranger = {0};
    stage_init(&s);
    assert_int_equal(tb_queue_new(1, 100, 100, run, release, &s, &q, NULL), TB_OK);
    push(q, "a", &j[0], '0');
    wait_inside(&s, 1);
    for (int i = 1; i < 5; i++)
        push(q, i < 4 ? "a" : "b", &j[i], (char)('0' + i));
    assert_false(tb_queue_remove(q, &j[0].entry));
    assert_false(tb_queue_remove(q, &stranger.entry));
    assert_true(tb_queue_remove(q, &j[2].entry)); /* middle */
    assert_false(tb_queue_remove(q, &j[2].entry));
    assert_true(tb_queue_remove(q, &j[3].entry)); /* last */
    assert_true(tb_queue_remove(q, &j[4].entry)); /* a whole lane */
    push(q, "a", &j[3], '3');
    assert_true(tb_queue_remove(q, &j[1].entry)); /* first */
    let(&s, 2);
    assert_true(tb_queue_drain(q, 60000));
    tb_queue_free(q);
    assert_string_equal(s.order, "03");
    assert_int_equal(s.released, 2);
    stage_end(&s);
}

static void a_drain_refuses_new_jobs_and_gives_up_when_told(void **state)
{
    (void)state;
    stage s;
    tb_queue *q;
    job j[2];
    tb_err err = {0};
    stage_init(&s);
    assert_int_equal(tb_queue_new(1, 100, 100, run, release, &s, &q, NULL), TB_OK);
    push(q, "a", &j[0], '0');
    wait_inside(&s, 1);
    assert_false(tb_queue_drain(q, 1));
    assert_int_equal(tb_queue_push(q, "a", &j[1].entry, &err), TB_EUNREADY);
    let(&s, 1);
    assert_true(tb_queue_drain(q, 60000));
    assert_true(tb_queue_drain(q, 0));
    tb_queue_free(q);
    tb_queue_free(NULL);
    stage_end(&s);
}

/* Capitals are long. */
static void push_pieces(tb_queue *q, const char *lane, job *j, char name, int pieces, double cost)
{
    *j = (job){.name = name, .pieces = pieces - 1, .cost = cost};
    j->entry.size = name < 'a' ? TB_QUEUE_LONG : TB_QUEUE_MEDIUM;
    assert_int_equal(tb_queue_push(q, lane, &j->entry, NULL), TB_OK);
}

static void who_has_had_least_has_the_next_piece(void **state)
{
    (void)state;
    stage s;
    tb_queue *q;
    job j[3];
    stage_init(&s);
    assert_int_equal(tb_queue_new(1, 100, 100, run, release, &s, &q, NULL), TB_OK);
    push_pieces(q, "a", &j[0], 'L', 6, 8);
    wait_inside(&s, 1);
    let(&s, 2);
    wait_begun(&s, 3);
    push_pieces(q, "a", &j[1], 'm', 4, 4); /* passes it at once, until it has had as much more */
    push_pieces(q, "a", &j[2], 's', 1, 1);
    let(&s, 9);
    assert_true(tb_queue_drain(q, 60000));
    tb_queue_free(q);
    s.order[s.n] = 0;
    /* L has had 16 s before its third piece: the new ones begin there, as it did at nothing. */
    assert_string_equal(s.order, "LLLmsmLmmLL");
    assert_int_equal(s.released, 3);
    stage_end(&s);
}

static void nobody_waits_for_ever(void **state)
{
    (void)state;
    enum { SHORT = 40 };
    stage s;
    tb_queue *q;
    job old, j[SHORT];
    stage_init(&s);
    assert_int_equal(tb_queue_new(1, 100, 100, run, release, &s, &q, NULL), TB_OK);
    push_pieces(q, "a", &old, 'L', 2, 3);
    wait_inside(&s, 1);
    push(q, "a", &j[0], 's');
    let(&s, 1);
    for (int i = 1; i < SHORT; i++) { /* whenever one is worked at, another waits */
        j[i - 1].cost = 1;
        wait_inside(&s, 1);
        push(q, "a", &j[i], 's');
        j[i].cost = 1;
        const size_t n = s.n;
        let(&s, 1);
        wait_begun(&s, n + 1);
    }
    let(&s, 2);
    assert_true(tb_queue_drain(q, 60000));
    tb_queue_free(q);
    const char *second = memchr(s.order + 1, 'L', s.n - 1);
    assert_non_null(second);
    assert_true(second - s.order < 20);
    stage_end(&s);
}

static void brief_work_finds_a_worker_and_long_work_is_not_all_begun(void **state)
{
    (void)state;
    stage s;
    tb_queue *q;
    job j[5];
    int waiting, running, workers;
    bool stopping;
    stage_init(&s);
    assert_int_equal(tb_queue_new(3, 100, 100, run, release, &s, &q, NULL), TB_OK);
    tb_queue_reserve_workers(q, 1);
    push_pieces(q, "a", &j[0], 'L', 2, 5);
    push_pieces(q, "a", &j[1], 'L', 2, 5);
    wait_inside(&s, 2);
    push_pieces(q, "a", &j[2], 'M', 1, 1); /* would go before them, but two keep what they made */
    push(q, "a", &j[3], 's');
    wait_inside(&s, 3);
    assert_int_equal(s.order[2], 's');
    tb_queue_look(q, &waiting, &running, &workers, &stopping);
    assert_int_equal(waiting, 1);
    assert_int_equal(running, 3);
    let(&s, 6);
    assert_true(tb_queue_drain(q, 60000));
    tb_queue_free(q);
    s.order[s.n] = 0;
    assert_true(strchr(s.order, 'M') - s.order >= 4); /* one of the two had ended */
    assert_int_equal(s.released, 4);
    stage_end(&s);
}

static void medium_work_finds_a_worker_and_leaves_one_to_brief_work(void **state)
{
    (void)state;
    stage s;
    tb_queue *q;
    job j[4];
    int waiting, running, workers;
    bool stopping;
    stage_init(&s);
    assert_int_equal(tb_queue_new(3, 100, 100, run, release, &s, &q, NULL), TB_OK);
    tb_queue_reserve_workers(q, 2);
    push_pieces(q, "a", &j[0], 'L', 1, 5);
    wait_inside(&s, 1);
    push_pieces(q, "a", &j[1], 'm', 1, 5);
    push_pieces(q, "a", &j[2], 'n', 1, 5);
    wait_inside(&s, 2);
    tb_queue_look(q, &waiting, &running, &workers, &stopping);
    assert_int_equal(waiting, 1);
    push(q, "a", &j[3], 's');
    wait_inside(&s, 3);
    assert_int_equal(s.order[2], 's');
    let(&s, 4);
    assert_true(tb_queue_drain(q, 60000));
    tb_queue_free(q);
    assert_int_equal(s.released, 4);
    stage_end(&s);
}

static void a_job_between_two_pieces_is_not_removed_but_expedited(void **state)
{
    (void)state;
    stage s;
    tb_queue *q;
    job j[3];
    stage_init(&s);
    assert_int_equal(tb_queue_new(1, 100, 100, run, release, &s, &q, NULL), TB_OK);
    push_pieces(q, "a", &j[0], 'L', 3, 5);
    wait_inside(&s, 1);
    push(q, "a", &j[1], '1');
    push(q, "a", &j[2], '2');
    let(&s, 1);
    wait_begun(&s, 2);
    assert_false(tb_queue_remove(q, &j[0].entry));
    let(&s, 4);
    assert_true(tb_queue_drain(q, 60000));
    tb_queue_free(q);
    s.order[s.n] = 0;
    assert_string_equal(s.order, "L1LL2");
    assert_int_equal(s.released, 3);
    stage_end(&s);
}

static void count(void *self, tb_queue_entry *entry)
{
    ((tb_str *)self)->max = 100;
    tb_str_add(self, &((job *)entry)->name, 1);
}

static void each_sees_what_waits_and_what_runs(void **state)
{
    (void)state;
    stage s;
    tb_queue *q;
    job j[3];
    tb_str seen = {0};
    stage_init(&s);
    assert_int_equal(tb_queue_new(1, 100, 100, run, release, &s, &q, NULL), TB_OK);
    push(q, "a", &j[0], '0');
    wait_inside(&s, 1);
    push(q, "a", &j[1], '1');
    push(q, "b", &j[2], '2');
    tb_queue_each(q, count, &seen);
    assert_int_equal(seen.len, 3);
    assert_int_equal(seen.data[0], '0');
    tb_str_clear(&seen);
    let(&s, 3);
    tb_queue_free(q); /* undrained: works off what waits */
    assert_int_equal(s.released, 3);
    stage_end(&s);
}

enum { CALLERS = 8, EACH = 200 };

typedef struct {
    tb_queue *q;
    char lane[8];
    job jobs[EACH];
    int taken, removed;
} caller;

static pthread_mutex_t counter_lock = PTHREAD_MUTEX_INITIALIZER;
static int ran, let_go;

static tb_queue_piece quick(void *self, tb_queue_entry *entry)
{
    job *j = (job *)entry;
    (void)self;
    pthread_mutex_lock(&counter_lock);
    const bool again = j->pieces > 0;
    if (again)
        j->pieces--;
    else
        ran++;
    pthread_mutex_unlock(&counter_lock);
    return (tb_queue_piece){.again = again, .cost = 0.001};
}

static void forget(void *self, tb_queue_entry *entry)
{
    (void)self;
    (void)entry;
    pthread_mutex_lock(&counter_lock);
    let_go++;
    pthread_mutex_unlock(&counter_lock);
}

static void *call(void *arg)
{
    caller *c = arg;
    for (int i = 0; i < EACH; i++) {
        c->jobs[i].pieces = i % 4;
        c->jobs[i].entry.size = (tb_queue_size)(i % TB_QUEUE_SIZES);
        if (tb_queue_push(c->q, c->lane, &c->jobs[i].entry, NULL) != TB_OK) continue;
        c->taken++;
        if (i % 3 == 0) c->removed += tb_queue_remove(c->q, &c->jobs[i].entry);
    }
    return NULL;
}

static void many_callers_lose_and_double_nothing(void **state)
{
    (void)state;
    static caller callers[CALLERS];
    pthread_t threads[CALLERS];
    tb_queue *q;
    int taken = 0, removed = 0;
    assert_int_equal(tb_queue_new(4, 50, 10, quick, forget, NULL, &q, NULL), TB_OK);
    tb_queue_reserve_workers(q, 1);
    for (int i = 0; i < CALLERS; i++) {
        callers[i].q = q;
        callers[i].lane[0] = (char)('a' + i / 2); /* two threads to a lane */
        assert_int_equal(pthread_create(&threads[i], NULL, call, &callers[i]), 0);
    }
    for (int i = 0; i < CALLERS; i++) {
        pthread_join(threads[i], NULL);
        taken += callers[i].taken;
        removed += callers[i].removed;
    }
    assert_true(tb_queue_drain(q, 60000));
    tb_queue_free(q);
    assert_int_equal(ran, taken - removed);
    assert_int_equal(let_go, ran);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_queue_and_each_lane_are_bounded),
        cmocka_unit_test(lanes_take_turns_and_those_who_waited_longest_come_first),
        cmocka_unit_test(a_caller_with_running_jobs_waits_for_the_others),
        cmocka_unit_test(a_waiting_job_can_be_removed_and_a_running_one_not),
        cmocka_unit_test(a_drain_refuses_new_jobs_and_gives_up_when_told),
        cmocka_unit_test(who_has_had_least_has_the_next_piece),
        cmocka_unit_test(nobody_waits_for_ever),
        cmocka_unit_test(brief_work_finds_a_worker_and_long_work_is_not_all_begun),
        cmocka_unit_test(medium_work_finds_a_worker_and_leaves_one_to_brief_work),
        cmocka_unit_test(a_job_between_two_pieces_is_not_removed_but_expedited),
        cmocka_unit_test(each_sees_what_waits_and_what_runs),
        cmocka_unit_test(many_callers_lose_and_double_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
