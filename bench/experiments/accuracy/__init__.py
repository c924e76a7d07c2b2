"""How often a net is right: labelled images through any runner, and what a net sees in one image.

dataset.py     a validation folder or a list file -> images with labels
class_names.py a file of class names
recipes.py     what a model's entry says of images, outputs and classes
preprocess.py  an image file -> a net's input
resize.py      resizing as OpenCV or Pillow do it
engine.py      a child that holds one engine open and infers batch after batch
cells.py       the selected runners and variants -> cells with their artifacts
batch.py       images -> one chunk's inputs, logits and journal line
chunks.py      a variant's engines open side by side, chunk after chunk
experiment.py  all of that over a data set
predict.py     one image through one engine
"""
