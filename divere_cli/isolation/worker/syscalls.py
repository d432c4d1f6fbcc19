"""System calls that a confined worker is refused, with their numbers by architecture. Data only.

Each line of the table is ``name x86_64 aarch64``, ``-`` where the architecture has no such
call; a heading describes what a worker tried by such a call. Numbers are those of the kernel's
``unistd_64.h`` and ``asm-generic/unistd.h`` (Linux 6.18); from 424 on they are the same
everywhere. Calls not listed stay allowed: reading and writing open files, memory, threads,
clocks. Landlock decides which files may be opened.
"""

from __future__ import annotations

from dataclasses import dataclass

_COLUMNS = {"x86_64": 1, "aarch64": 2}
_AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # AUDIT_ARCH_*

_REFUSED = """
# start a program or a process
execve 59 221, execveat 322 281, fork 57 -, vfork 58 -
# reach another process
ptrace 101 117, process_vm_readv 310 270, process_vm_writev 311 271, process_madvise 440 440,
process_mrelease 448 448, kcmp 312 272, pidfd_open 434 434, pidfd_send_signal 424 424,
pidfd_getfd 438 438, rt_sigqueueinfo 129 138, rt_tgsigqueueinfo 297 240, tkill 200 130,
setpgid 109 154, setsid 112 157
# open a socket
socket 41 198, socketpair 53 199, connect 42 203, bind 49 200, listen 50 201, accept 43 202,
accept4 288 242, sendto 44 206, sendmsg 46 211, sendmmsg 307 269, recvfrom 45 207,
recvmsg 47 212, recvmmsg 299 243
# use an interface of the kernel
io_uring_setup 425 425, io_uring_enter 426 426, io_uring_register 427 427, bpf 321 280,
userfaultfd 323 282, perf_event_open 298 241, fanotify_init 300 262, fanotify_mark 301 263,
inotify_init 253 -, inotify_init1 294 26, keyctl 250 219, add_key 248 217, request_key 249 218,
init_module 175 105, finit_module 313 273, delete_module 176 106, create_module 174 -,
kexec_load 246 104, kexec_file_load 320 294, iopl 172 -, ioperm 173 -, modify_ldt 154 -,
syslog 103 116, reboot 169 142, swapon 167 224, swapoff 168 225, acct 163 89, quotactl 179 60,
quotactl_fd 443 443, lookup_dcookie 212 18, nfsservctl 180 42, uselib 134 -, ustat 136 -,
sysfs 139 -, _sysctl 156 -, personality 135 92, seccomp 317 277, vhangup 153 58,
settimeofday 164 170, clock_settime 227 112, clock_adjtime 305 266, adjtimex 159 171,
sethostname 170 161, setdomainname 171 162
# change what is mounted where
mount 165 40, umount2 166 39, move_mount 429 429, open_tree 428 428, open_tree_attr 467 467,
fsopen 430 430, fsconfig 431 431, fsmount 432 432, fspick 433 433, mount_setattr 442 442,
pivot_root 155 41, chroot 161 51, unshare 272 97, setns 308 268, name_to_handle_at 303 264,
open_by_handle_at 304 265
# change a file's name or attributes
symlink 88 -, symlinkat 266 36, link 86 -, linkat 265 37, rename 82 -, renameat 264 38,
renameat2 316 276, mknod 133 -, mknodat 259 33, mkdir 83 -, mkdirat 258 34, rmdir 84 -,
unlink 87 -, unlinkat 263 35, chmod 90 -, fchmod 91 52, fchmodat 268 53, fchmodat2 452 452,
chown 92 -, fchown 93 55, lchown 94 -, fchownat 260 54, utime 132 -, utimes 235 -,
utimensat 280 88, futimesat 261 -, setxattr 188 5, lsetxattr 189 6, fsetxattr 190 7,
setxattrat 463 463, removexattr 197 14, lremovexattr 198 15, fremovexattr 199 16,
removexattrat 466 466, file_setattr 469 469
# share memory or messages
memfd_create 319 279, memfd_secret 447 447, vmsplice 278 75, shmget 29 194, shmat 30 196,
shmctl 31 195, shmdt 67 197, msgget 68 186, msgsnd 69 189, msgrcv 70 188, msgctl 71 187,
semget 64 190, semop 65 193, semctl 66 191, semtimedop 220 192, mq_open 240 180,
mq_unlink 241 181, mq_timedsend 242 182, mq_timedreceive 243 183, mq_notify 244 184,
mq_getsetattr 245 185, move_pages 279 239, migrate_pages 256 238
# change how it is scheduled
mbind 237 235, set_mempolicy 238 237, set_mempolicy_home_node 450 450,
sched_setscheduler 144 119, sched_setattr 314 274, sched_setparam 142 118, ioprio_set 251 30,
setpriority 141 140
# become another user
setuid 105 146, setgid 106 144, setreuid 113 145, setregid 114 143, setresuid 117 147,
setresgid 119 149, setfsuid 122 151, setfsgid 123 152, setgroups 116 159, capset 126 91
"""

# Calls that are refused depending on their arguments; see sandbox.
_JUDGED = """
clone 56 220, clone3 435 435, kill 62 129, tgkill 234 131, prlimit64 302 261, prctl 157 167,
ioctl 16 29, fcntl 72 25
"""


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls of one architecture.

    ``refused`` maps a number to what its caller tried, ``judged`` the names of calls that
    depend on their arguments to their numbers, ``numbers`` the names of all of them.
    """

    audit: int
    refused: dict[int, str]
    judged: dict[str, int]
    numbers: dict[str, int]


def calls(machine: str) -> Calls | None:
    """Return the table of one architecture; None where there is none.

    Parameters
    ----------
    machine : str
        As ``os.uname().machine`` names it.
    """
    if machine not in _COLUMNS:
        return None
    column = _COLUMNS[machine]
    numbers: dict[str, int] = {}
    refused: dict[int, str] = {}
    tried = ""
    for line in _REFUSED.strip().splitlines():
        if line.startswith("#"):
            tried = line[2:]
            continue
        group = _numbers(line, column)
        numbers |= group
        refused |= dict.fromkeys(group.values(), tried)
    judged = _numbers(_JUDGED.replace("\n", " "), column)
    return Calls(_AUDIT[machine], refused, judged, numbers | judged)


def _numbers(line: str, column: int) -> dict[str, int]:
    rows = [entry.split() for entry in line.split(",") if entry.strip()]
    return {row[0]: int(row[column]) for row in rows if row[column] != "-"}
