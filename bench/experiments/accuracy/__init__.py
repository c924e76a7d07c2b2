"""How often a net is right: labelled images through any runner, and what a net sees in one image.

dataset.py     a validation folder or a list file -> images with labels
names.py       a file of class names
preprocess.py  an image file -> a net's input, as PaddleClas prepares it
topk.py        logits -> the best classes, hits, how far two engines are apart; pure
record.py      what is stored          folder.py   where
engine.py      a child that holds one engine open and infers batch after batch
prepared.py    runners and variants asked for -> cells with their artifacts
chunk.py       images -> one chunk's inputs, logits and journal line
run.py         a variant's engines open side by side, chunk after chunk
manifest.py    how a run begins, and what an unfinished one goes on with
campaign.py    all of that over a data set
prediction.py  one image through one engine
summary.py     journal -> accuracies with intervals, and agreement; pure
text.py        the tables              progress.py   what a person sees meanwhile
flags.py       for the command line
"""
