"""Files that root reads and writes, in places where others may write too.

Trusted is what only its owner can change, on the whole way from / down: then nothing on that way can be exchanged
between looking and opening, and plain paths are safe.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator

from lvs_init.errors import LvsError, NotConfigured, SystemFailure, UnsafeFile

LIMIT = 4 << 20  # bytes
PIECE = 64 << 10
LINKS = 40  # as many as the kernel follows, path_resolution(7)


def read_trusted(path: str, limit: int = LIMIT, owner_check: bool = True) -> bytes:
    """A configuration file's bytes.

    With ``owner_check`` the file, every directory above it and every link on the way must belong to root (or to who
    runs us) and be writable by nobody else; directories with the sticky bit are fine, but for links in them.
    Raises NotConfigured where there is none, UnsafeFile for what must not be trusted, for what is no plain file and
    for more than ``limit`` bytes, SystemFailure where reading fails.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK  # a FIFO would wait for its writer
    try:
        if owner_check:
            path = trusted_path(path)
            flags |= os.O_NOFOLLOW
        descriptor = os.open(path, flags)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UnsafeFile(
                    f"{path} is not a plain file", hint="a configuration is a file that can be read again and again"
                )
            data = bytearray()
            # In pieces: memory for the limit itself may not be there (ulimit -v), and stop needs none of it.
            while len(data) <= limit and (piece := os.read(descriptor, min(PIECE, limit + 1 - len(data)))):
                data += piece
        finally:
            os.close(descriptor)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotConfigured(f"{path} does not exist") from error
    except OSError as error:
        raise _failure("read", path, error) from error
    if len(data) > limit:
        raise UnsafeFile(f"{path} has more than {limit} bytes", hint="no configuration is that large: look what it is")
    return bytes(data)


def read_small(path: str) -> str | None:
    """A file of /proc or /sys as text; None where it is absent or cannot be read."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.readall().decode("utf-8", "replace")
    except OSError:
        return None


def write_atomic(path: str, data: bytes, mode: int = 0o600, owner: tuple[int, int] | None = None) -> None:
    """Write the whole file or nothing, on the disk when this returns. Raises SystemFailure; no partial file stays.

    ``owner``: its user and group id, else ours. What was there before is replaced, be it a link.
    """
    directory, name = os.path.split(path)
    temporary = os.path.join(directory, f".{name}.{os.getpid()}.new")
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with open(os.open(temporary, flags, mode), "wb") as file:
                if owner is not None:
                    os.fchown(file.fileno(), *owner)
                os.fchmod(file.fileno(), mode)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.rename(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        sync_directory(directory)
    except OSError as error:
        raise _failure("write", path, error) from error


def install(path: str, data: bytes) -> str:
    """Put a configuration in the place of another, which stays beside it. Mode and owner stay.

    Returns the name of the former one, PATH.old; "" where there is none or nothing to change. Raises UnsafeFile where
    others could write to the place, SystemFailure.
    """
    try:
        if not os.path.exists(path):
            trusted_path(os.path.dirname(path))
            write_atomic(path, data, 0o644)
            return ""
        path = trusted_path(path)
    except OSError as error:
        raise _failure("write", path, error) from error
    former = read_trusted(path)
    if former == data:
        return ""
    status = os.lstat(path)
    for name, contents in ((f"{path}.old", former), (path, data)):
        write_atomic(name, contents, stat.S_IMODE(status.st_mode), (status.st_uid, status.st_gid))
    return f"{path}.old"


def move(path: str, to: str) -> None:
    """Give a file of ours another name in its directory, on the disk when this returns. Raises SystemFailure."""
    try:
        os.rename(path, to)
        sync_directory(os.path.dirname(to))
    except OSError as error:
        raise _failure("rename", path, error) from error


def sync_directory(path: str) -> None:
    """Bring a directory's entries to the disk: without it a renamed or removed file may be back after a power cut."""
    descriptor = os.open(path or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def private_directory(path: str) -> None:
    """Make sure that the directory is there, ours alone and mode 0700. Its parent must exist.

    Raises UnsafeFile for a link, something else or somebody else's; SystemFailure where it cannot be made.
    """
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, 0o700)
        status = os.lstat(path)
        if not stat.S_ISDIR(status.st_mode):
            raise UnsafeFile(f"{path} is not a directory", hint=f"look who made it, then: rm {path}")
        _must_be_ours(path, status)
        if stat.S_IMODE(status.st_mode) != 0o700:
            os.chmod(path, 0o700)
    except OSError as error:
        raise _failure("make", path, error) from error


def touch_lock(path: str) -> None:
    """Make an empty file such as /var/lock/subsys/lvs-director, and the directory that it stands in.

    Raises SystemFailure; also where somebody has planted a link or a directory, since /run/lock is everybody's.
    """
    try:
        directory = _lock_directory(path, make=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        os.close(os.open(os.path.join(directory, os.path.basename(path)), flags, 0o644))
    except OSError as error:
        raise _failure("make", path, error) from error


def remove(path: str) -> None:
    """Remove a lock file; it may be absent. Raises SystemFailure like ``touch_lock``."""
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(_lock_directory(path, make=False), os.path.basename(path)))
    except OSError as error:
        raise _failure("remove", path, error) from error


def trusted_path(path: str) -> str:
    """The path without links, after looking at everything on it. Raises UnsafeFile, or OSError where it breaks off."""
    links = 0
    todo = _components(os.path.join(os.getcwd(), path))
    resolved = "/"
    while todo:
        directory = os.lstat(resolved)
        _must_be_ours(resolved, directory)
        part = todo.pop()
        if part == "..":
            resolved = os.path.dirname(resolved)
            continue
        candidate = os.path.join(resolved, part)
        status = os.lstat(candidate)
        if not stat.S_ISLNK(status.st_mode):
            resolved = candidate
            continue
        if directory.st_mode & 0o022:
            raise UnsafeFile(f"{candidate} is a link where everybody may put one", hint="put the file itself there")
        links += 1
        if links > LINKS:
            raise UnsafeFile(f"{path} leads through more than {LINKS} links")
        target = os.readlink(candidate)
        if target.startswith("/"):
            resolved = "/"
        todo += _components(target)
    _must_be_ours(resolved, os.lstat(resolved))
    return resolved


def _components(path: str) -> list[str]:
    """Last one first."""
    return [part for part in path.split("/") if part not in ("", ".")][::-1]


def _must_be_ours(path: str, status: os.stat_result) -> None:
    owners: set[int] = {0, os.geteuid()}
    if status.st_uid not in owners:
        raise UnsafeFile(f"{path} belongs to user id {status.st_uid}", hint=f"chown root {path}")
    sticky = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
    if status.st_mode & 0o022 and not sticky:
        who = "everybody" if status.st_mode & 0o002 else "its group"
        raise UnsafeFile(f"{path} is writable by {who}", hint=f"chmod go-w {path}")


@contextlib.contextmanager
def _as_failure() -> Iterator[None]:
    try:
        yield
    except UnsafeFile as error:
        raise SystemFailure(error.message, hint=error.hint) from error


def _lock_directory(path: str, *, make: bool) -> str:
    """The trusted, link-free directory of a lock file. Raises SystemFailure, or OSError where there is none."""
    directory = os.path.dirname(path)
    with _as_failure():
        if make:
            parent = trusted_path(os.path.dirname(directory))
            with contextlib.suppress(FileExistsError):
                os.mkdir(os.path.join(parent, os.path.basename(directory)), 0o755)
        return trusted_path(directory)


def _failure(verb: str, path: str, error: OSError) -> LvsError:
    return SystemFailure(f"cannot {verb} {path}: {error.strerror}")
