import numpy as np
def unwrap(mean, topology):
    ang=np.arctan2(mean[:,0],mean[:,2]+.08)
    return np.stack([(ang-ang.min())/np.ptp(ang),(mean[:,1].max()-mean[:,1])/np.ptp(mean[:,1])],1)
