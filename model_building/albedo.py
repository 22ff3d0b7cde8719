import numpy as np
def paint(mean, topology, landmarks, uv):
    col=np.full(mean.shape,(150,175,215),np.uint8); col[topology.eye_mask]=(235,235,235); col[topology.inside_mask]=(40,30,90); return col
