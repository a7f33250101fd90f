"""What a person types: parse, ask, confirm, exit code. Holds no copying logic."""

import gc

# Hundreds of copies under way are thousands of objects that live on: looking for cycles among them
# after every 700 new ones, as Python does, is a tenth of the processor's work. So are the imports.
gc.set_threshold(20_000, 20, 50)
