"""One sentence for whatever has ended a trainer, for its journal."""

import errno

from onetrainer_web.errors import OneTrainerWebError
from onetrainer_web.files.shortages import is_out_of_memory, reason_of
from onetrainer_web.protocol.run_folder import RunFolder

LOST = 3
"""Exit code of a rank that ends because another one is gone."""
_OF_A_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def sentence_of(error: Exception, folder: RunFolder) -> str:
    """One readable sentence for any error, also for one that nobody foresaw."""
    if isinstance(error, OneTrainerWebError):
        return str(error)
    if isinstance(error, OSError) and error.errno in _OF_A_DISK:
        where = f"{error.filename} " if error.filename else "A file of the run "
        return f"{where}could not be written: {reason_of(error, folder.path)}. Make room, then resume the run."
    if is_out_of_memory(error):
        return (
            "The memory is not enough for this training. Use a smaller batch size or resolution, switch gradient "
            "checkpointing on, or train fewer parts."
        )
    first_line = str(error).strip().splitlines()[0] if str(error).strip() else "no further word"
    return f"An error stopped the training ({type(error).__name__}: {first_line}). The log holds the trace."
