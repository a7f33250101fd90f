"""What the benchmarks ask: each module is one :class:`~benchmarks.questions.question.Question`."""
