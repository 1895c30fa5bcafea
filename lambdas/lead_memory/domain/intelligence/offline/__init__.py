"""What plain rules read in a conversation, in English and in Portuguese: the model of who has none.

They say little rather than something that is not so. What they do not know the words for, they do not see.
"""
