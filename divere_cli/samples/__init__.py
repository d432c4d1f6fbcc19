"""Synthetic color negatives with known truth, to try and to test the program.

A scene (:mod:`.scene`, with the :mod:`.chart` in it) is run backwards through a
grade (:mod:`.negative`), laid onto a strip of film with its rebate, holes and
dust (:mod:`.strip`), and written in bands with the truth beside it
(:mod:`.writing`). :mod:`.plan` says which frames there are.
"""
