"""Pictures, animations and videos from files and folders: every frame of them, in order.

What a file is, its content says (`opening`). Pillow decodes pictures (`picture`), those that move or have pages too
(`several`), FFmpeg inside OpenCV videos (`video`). `container` tells whether a file is cut short.
"""
