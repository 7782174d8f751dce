"""The system calls that a sandbox must not make, once for all architectures, each group with its reason.

``ALWAYS`` is refused from the start (the first filter, loaded before Python runs); ``SEALED`` is added by the launcher
when it needs them no more; ``NO_PROCESSES`` is added to that unless the setting ``processes`` is on. An architecture
that lacks a call has None. Numbers are from the kernel's own ``syscall_64.tbl`` and ``asm-generic/unistd.h``.
"""

from __future__ import annotations

from typing import NamedTuple


class Numbers(NamedTuple):
    """One system call's number on each architecture."""

    x86_64: int | None
    aarch64: int | None


NEWEST = 469
"""``file_setattr``, Linux 6.17. What is newer is unknown here and ends with ENOSYS, as on an older kernel."""

Group = dict[str, Numbers]

OTHER_PROCESSES: Group = {
    "ptrace": Numbers(101, 117),
    "process_vm_readv": Numbers(310, 270),
    "process_vm_writev": Numbers(311, 271),
    "pidfd_getfd": Numbers(438, 438),
    "process_madvise": Numbers(440, 440),
    "process_mrelease": Numbers(448, 448),
    "kcmp": Numbers(312, 272),
    "move_pages": Numbers(279, 239),
    "migrate_pages": Numbers(256, 238),
}
"""They read or change another process, the sandbox's own first process included."""

KERNEL_SURFACE: Group = {
    "bpf": Numbers(321, 280),
    "perf_event_open": Numbers(298, 241),
    "userfaultfd": Numbers(323, 282),
    "io_uring_setup": Numbers(425, 425),
    "io_uring_enter": Numbers(426, 426),
    "io_uring_register": Numbers(427, 427),
    "add_key": Numbers(248, 217),
    "request_key": Numbers(249, 218),
    "keyctl": Numbers(250, 219),
    "fanotify_init": Numbers(300, 262),
    "fanotify_mark": Numbers(301, 263),
    "lookup_dcookie": Numbers(212, 18),
    "personality": Numbers(135, 92),
    "modify_ldt": Numbers(154, None),
    "iopl": Numbers(172, None),
    "ioperm": Numbers(173, None),
    "uselib": Numbers(134, None),
    "ustat": Numbers(136, None),
    "sysfs": Numbers(139, None),
    "_sysctl": Numbers(156, None),
    "vmsplice": Numbers(278, 75),
    "remap_file_pages": Numbers(216, 234),
    "lsm_set_self_attr": Numbers(460, 460),
}
"""Large or old parts of the kernel with a history of holes, which no computation needs."""

MOUNTS: Group = {
    "mount": Numbers(165, 40),
    "umount2": Numbers(166, 39),
    "pivot_root": Numbers(155, 41),
    "chroot": Numbers(161, 51),
    "open_tree": Numbers(428, 428),
    "open_tree_attr": Numbers(467, 467),
    "move_mount": Numbers(429, 429),
    "fsopen": Numbers(430, 430),
    "fsconfig": Numbers(431, 431),
    "fsmount": Numbers(432, 432),
    "fspick": Numbers(433, 433),
    "mount_setattr": Numbers(442, 442),
    "statmount": Numbers(457, 457),
    "listmount": Numbers(458, 458),
    "quotactl": Numbers(179, 60),
    "quotactl_fd": Numbers(443, 443),
    "setns": Numbers(308, 268),
    "unshare": Numbers(272, 97),
    "name_to_handle_at": Numbers(303, 264),
    "open_by_handle_at": Numbers(304, 265),
}
"""They change what the sandbox sees, or reach files past it."""

MACHINE: Group = {
    "kexec_load": Numbers(246, 104),
    "kexec_file_load": Numbers(320, 294),
    "create_module": Numbers(174, None),
    "init_module": Numbers(175, 105),
    "finit_module": Numbers(313, 273),
    "delete_module": Numbers(176, 106),
    "get_kernel_syms": Numbers(177, None),
    "query_module": Numbers(178, None),
    "nfsservctl": Numbers(180, 42),
    "reboot": Numbers(169, 142),
    "swapon": Numbers(167, 224),
    "swapoff": Numbers(168, 225),
    "acct": Numbers(163, 89),
    "syslog": Numbers(103, 116),
    "vhangup": Numbers(153, 58),
    "sethostname": Numbers(170, 161),
    "setdomainname": Numbers(171, 162),
    "settimeofday": Numbers(164, 170),
    "clock_settime": Numbers(227, 112),
    "clock_adjtime": Numbers(305, 266),
    "adjtimex": Numbers(159, 171),
}
"""They administer the machine."""

UNCOUNTED_MEMORY: Group = {
    "memfd_create": Numbers(319, 279),
    "memfd_secret": Numbers(447, 447),
    "shmget": Numbers(29, 194),
    "shmat": Numbers(30, 196),
    "shmctl": Numbers(31, 195),
    "shmdt": Numbers(67, 197),
    "semget": Numbers(64, 190),
    "semctl": Numbers(66, 191),
    "semop": Numbers(65, 193),
    "semtimedop": Numbers(220, 192),
    "msgget": Numbers(68, 186),
    "msgsnd": Numbers(69, 189),
    "msgrcv": Numbers(70, 188),
    "msgctl": Numbers(71, 187),
    "mq_open": Numbers(240, 180),
    "mq_unlink": Numbers(241, 181),
}
"""They make memory that neither RLIMIT_AS nor a tmpfs' size bounds. Shared memory by ``/dev/shm`` is bounded."""

SYMLINKS_AND_NODES: Group = {
    "symlink": Numbers(88, None),
    "symlinkat": Numbers(266, 36),
    "mknod": Numbers(133, None),
    "mknodat": Numbers(259, 33),
}
"""The host looks into the scratch and the socket folder: there is to be nothing that leads elsewhere."""

IDENTITY: Group = {
    "setuid": Numbers(105, 146),
    "setgid": Numbers(106, 144),
    "setreuid": Numbers(113, 145),
    "setregid": Numbers(114, 143),
    "setresuid": Numbers(117, 147),
    "setresgid": Numbers(119, 149),
    "setfsuid": Numbers(122, 151),
    "setfsgid": Numbers(123, 152),
    "setgroups": Numbers(116, 159),
    "capset": Numbers(126, 91),
}
"""They change who the process is."""

OWN_BOUNDS: Group = {
    "setrlimit": Numbers(160, 164),
    "seccomp": Numbers(317, 277),
}
"""Needed by the launcher and by nobody after it: limits are the host's to change."""

PROCESSES: Group = {
    "fork": Numbers(57, None),
    "vfork": Numbers(58, None),
    "execve": Numbers(59, 221),
    "execveat": Numbers(322, 281),
}
"""New processes and programs. ``clone`` has a rule of its own: threads stay."""

NAMES_OUTSIDE: Group = {
    "chown": Numbers(92, None),
    "lchown": Numbers(94, None),
    "fchown": Numbers(93, 55),
    "fchownat": Numbers(260, 54),
    "setxattr": Numbers(188, 5),
    "fsetxattr": Numbers(190, 7),
    "fremovexattr": Numbers(199, 16),
    "lsetxattr": Numbers(189, 6),
    "removexattr": Numbers(197, 14),
    "lremovexattr": Numbers(198, 15),
    "setxattrat": Numbers(463, 463),
    "removexattrat": Numbers(466, 466),
    "file_setattr": Numbers(469, 469),
    "inotify_add_watch": Numbers(254, 27),
}
"""Where the person's own files are in reach by name: Landlock does not look at these calls."""

PRETENDED: Group = {
    "chmod": Numbers(90, None),
    "fchmod": Numbers(91, 52),
    "fchmodat": Numbers(268, 53),
    "fchmodat2": Numbers(452, 452),
    "utime": Numbers(132, None),
    "utimes": Numbers(235, None),
    "futimesat": Numbers(261, None),
    "sched_setscheduler": Numbers(144, 119),
    "sched_setparam": Numbers(142, 118),
}
"""Likewise, and these act on neighbours; but they pretend to work and do nothing: ``shutil.copy`` and libzmq's threads
fail where they are refused."""

NEIGHBOURS: Group = {
    "connect": Numbers(42, 203),
    "tkill": Numbers(200, 130),
    "rt_sigqueueinfo": Numbers(129, 138),
    "pidfd_open": Numbers(434, 434),
    "pidfd_send_signal": Numbers(424, 424),
    "setpriority": Numbers(141, 140),
    "ioprio_set": Numbers(251, 30),
    "sched_setattr": Numbers(314, 274),
}
"""Without namespaces: other processes of the person and their sockets are in reach."""

HARD_LINKS: Group = {
    "link": Numbers(86, None),
    "linkat": Numbers(265, 37),
}
"""Within one tmpfs they lead nowhere; glibc makes the semaphores of `multiprocessing` with them."""

# Calls that are refused by what their arguments say.
SOCKET = Numbers(41, 198)
CLONE = Numbers(56, 220)
CLONE3 = Numbers(435, 435)
IOCTL = Numbers(16, 29)
PRLIMIT64 = Numbers(302, 261)
KILL = Numbers(62, 129)
TGKILL = Numbers(234, 131)
RT_TGSIGQUEUEINFO = Numbers(297, 240)
SCHED_SETAFFINITY = Numbers(203, 122)
UTIMENSAT = Numbers(280, 88)

ALWAYS: Group = {
    **OTHER_PROCESSES,
    **KERNEL_SURFACE,
    **MOUNTS,
    **MACHINE,
    **UNCOUNTED_MEMORY,
    **SYMLINKS_AND_NODES,
    **IDENTITY,
}
SEALED: Group = OWN_BOUNDS
NO_PROCESSES: Group = {**PROCESSES, **HARD_LINKS}
