"""What a person types: parse, ask, confirm, exit code. Holds no copying logic."""

import gc

# What is made at the start stays, and so do the thousands of objects of the copies under way. To
# look for cycles among them after every 700 new ones, as Python does, is a tenth of the processor's
# work. The modules are not imported yet; all of them together make 100,000.
gc.set_threshold(200_000, 20, 50)
