module felhom

go 1.21
