// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptors: opened, passed on to whoever takes them, closed while somebody
 * uses them, inherited by children.
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"

/* Away from the numbers that are closed at random. */
int own_fd(int fd)
{
	int own;

	if (fd < 0)
		return fd;
	own = fcntl(fd, F_DUPFD_CLOEXEC, OWN_FDS);
	close(fd);
	return own;
}

static void session_forget(struct session *session, int fd)
{
	memset(session, 0, sizeof(*session));
	session->fd = fd;
}

bool session_open(struct thread *thread, struct session *session)
{
	bool fails = one_in(&thread->random, 32);
	int fd;

	if (fails)
		fault_arm(thread);
	fd = open(DEVICE, O_RDWR | (one_in(&thread->random, 16) ? 0 : O_NONBLOCK));
	count(thread->counts, KIND_OPEN, fd < 0 ? errno : 0);
	if (fails)
		fault_disarm(thread);
	if (fd < 0)
		return false;
	session_close(thread, session);
	session_forget(session, fd);
	return true;
}

void session_close(struct thread *thread, struct session *session)
{
	int fd = __atomic_exchange_n(&session->fd, -1, __ATOMIC_RELAXED);

	if (fd >= 0)
		count(thread->counts, KIND_CLOSE_SESSION, close(fd) ? errno : 0);
}

static void close_any(struct thread *thread)
{
	enum file_kind kind = random_below(&thread->random, FILE_KINDS);
	int *file = &thread->process->files[kind][random_below(&thread->random, FILES)];
	int fd = __atomic_exchange_n(file, -1, __ATOMIC_RELAXED);

	if (fd >= 0)
		count(thread->counts, KIND_CLOSE_FILE, close(fd) ? errno : 0);
}

static void dup_session(struct thread *thread, struct session *session)
{
	struct session *other = &thread->process->sessions[random_below(&thread->random, SESSIONS)];
	int fd = dup(session->fd);

	count(thread->counts, KIND_DUP_SESSION, fd < 0 ? errno : 0);
	if (fd < 0)
		return;
	if (other == session) {
		close(fd);
		return;
	}
	session_close(thread, other);
	*other = *session;
	other->fd = fd;
}

union control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

static void send_any(struct thread *thread, struct session *session)
{
	struct random *random = &thread->random;
	uint8_t cargo = random_below(random, 8);
	struct iovec data = { .iov_base = &cargo, .iov_len = 1 };
	union control control = { { 0 } };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	bool closes;
	int fd;

	/* what others can use most */
	if (cargo > FILE_SESSION)
		cargo = cargo & 1 ? FILE_INVITATION : FILE_OBJECT;
	closes = cargo == FILE_SESSION && one_in(random, 8);
	fd = cargo == FILE_SESSION ? session->fd : some_file(thread, cargo);
	if (fd < 0)
		return;
	/* as another than it is */
	if (one_in(random, 16))
		cargo = random_below(random, FILE_KINDS);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(int));
	count(thread->counts, KIND_SEND,
	      sendmsg(thread->process->hub[0], &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? errno : 0);
	/* on its way while it is closed here */
	if (closes)
		session_close(thread, session);
}

static void receive_any(struct thread *thread)
{
	uint8_t cargo = 0;
	struct iovec data = { .iov_base = &cargo, .iov_len = 1 };
	union control control = { { 0 } };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct session *session;
	struct cmsghdr *header;
	ssize_t n = recvmsg(thread->process->hub[1], &message, MSG_DONTWAIT);
	int fd;

	count(thread->counts, KIND_RECEIVE, n < 0 ? errno : 0);
	header = n < 0 ? NULL : CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_len != CMSG_LEN(sizeof(int)))
		return;
	memcpy(&fd, CMSG_DATA(header), sizeof(int));
	if (cargo < FILE_KINDS) {
		remember_file(thread, cargo, fd);
		return;
	}
	session = &thread->process->sessions[random_below(&thread->random, SESSIONS)];
	session_close(thread, session);
	session_forget(session, fd);
	session->bound = true;
}

/* A child has all that its parent has, for a while; threads it has not. */
static void fork_any(struct thread *thread)
{
	unsigned int steps = 20 + random_below(&thread->random, 100);
	pid_t pid = fork();

	if (pid) {
		/* children are not waited for */
		count(thread->counts, KIND_FORK, pid < 0 ? errno : 0);
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* its parent's rings, coverage and faults are its parent's */
	thread->uring.fd = 0;
	thread->fault_fd = 0;
	thread->coverage.fd = 0;
	thread->child = true;
	if (!memory_init_child(thread))
		_exit(0);
	while (steps-- && !arena->stop)
		process_step(thread);
	_exit(0);
}

static void limit_fds(struct thread *thread)
{
	struct rlimit limit = { .rlim_cur = FDS_MAX, .rlim_max = FDS_MAX };

	if (one_in(&thread->random, 4))
		limit.rlim_cur = 8 + random_below(&thread->random, 64);
	count(thread->counts, KIND_LIMIT_FDS, setrlimit(RLIMIT_NOFILE, &limit) ? errno : 0);
}

static void make_eventfd(struct thread *thread)
{
	int fd = eventfd(0, EFD_NONBLOCK);

	count(thread->counts, KIND_EVENTFD, fd < 0 ? errno : 0);
	if (fd >= 0)
		remember_file(thread, FILE_EVENTFD, fd);
}

void fuzz_descriptor(struct thread *thread, struct session *session)
{
	bool alone = thread->process->alone;

	switch (random_below(&thread->random, 48)) {
	case 0 ... 13:
		if (!alone)
			send_any(thread, session);
		break;
	case 14 ... 31:
		if (!alone)
			receive_any(thread);
		break;
	case 32 ... 36:
		close_any(thread);
		break;
	case 37 ... 38:
		dup_session(thread, session);
		break;
	case 39 ... 41:
		session_open(thread, session);
		break;
	case 42:
		session_close(thread, session);
		break;
	case 43 ... 45:
		make_eventfd(thread);
		break;
	case 46:
		limit_fds(thread);
		break;
	default:
		if (!alone && !thread->child)
			fork_any(thread);
		break;
	}
}
