CREATE TABLE file_datastore_records (
	dataset_id CHAR(32) NOT NULL, 
	path TEXT NOT NULL, 
	formatter TEXT NOT NULL, 
	storage_class TEXT NOT NULL, 
	component VARCHAR(32) NOT NULL, 
	checksum TEXT, 
	file_size BIGINT, 
	PRIMARY KEY (dataset_id, component), 
	CONSTRAINT file_datastore_records_len_component CHECK (length("component")<=32 AND length("component")>=1)
);
CREATE INDEX file_datastore_records_idx_path ON file_datastore_records (path);
CREATE TABLE dataset_tags_00000000 (
	dataset_type_id BIGINT NOT NULL, 
	dataset_id CHAR(32) NOT NULL, 
	collection_id BIGINT NOT NULL, 
	PRIMARY KEY (dataset_id, collection_id), 
	CONSTRAINT dataset_tags_00000000_unq_dataset_type_id_collection_id UNIQUE (dataset_type_id, collection_id), 
	CONSTRAINT fkey_dataset_tags_00000000_dataset_type_id_dataset_type_id FOREIGN KEY(dataset_type_id) REFERENCES dataset_type (id), 
	CONSTRAINT fkey_dataset_tags_00000000_dataset_id_dataset_id FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE CASCADE, 
	CONSTRAINT fkey_dataset_tags_00000000_collection_collection_id_collection_id FOREIGN KEY(collection_id) REFERENCES collection (collection_id) ON DELETE CASCADE, 
	CONSTRAINT fkey_dataset_tags_00000000_collection_summary_dataset_type_collection_id_dataset_type_id_collection_id_dataset_type_id FOREIGN KEY(collection_id, dataset_type_id) REFERENCES collection_summary_dataset_type (collection_id, dataset_type_id)
);
CREATE INDEX dataset_tags_00000000_fkidx_collection_id ON dataset_tags_00000000 (collection_id);
CREATE INDEX dataset_tags_00000000_fkidx_collection_id_dataset_type_id ON dataset_tags_00000000 (collection_id, dataset_type_id);
CREATE INDEX dataset_tags_00000000_fkidx_dataset_type_id ON dataset_tags_00000000 (dataset_type_id);
CREATE INDEX dataset_tags_00000000_fkidx_dataset_id ON dataset_tags_00000000 (dataset_id);
CREATE TABLE dataset_tags_00000001 (
	dataset_type_id BIGINT NOT NULL, 
	dataset_id CHAR(32) NOT NULL, 
	collection_id BIGINT NOT NULL, 
	instrument VARCHAR(32) NOT NULL, 
	detector BIGINT NOT NULL, 
	exposure BIGINT NOT NULL, 
	PRIMARY KEY (dataset_id, collection_id), 
	CONSTRAINT dataset_tags_00000001_len_instrument CHECK (length("instrument")<=32 AND length("instrument")>=1), 
	CONSTRAINT dataset_tags_00000001_unq_dataset_type_id_collection_id_instrument_detector_exposure UNIQUE (dataset_type_id, collection_id, instrument, detector, exposure), 
	CONSTRAINT fkey_dataset_tags_00000001_dataset_type_id_dataset_type_id FOREIGN KEY(dataset_type_id) REFERENCES dataset_type (id), 
	CONSTRAINT fkey_dataset_tags_00000001_dataset_id_dataset_id FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE CASCADE, 
	CONSTRAINT fkey_dataset_tags_00000001_collection_collection_id_collection_id FOREIGN KEY(collection_id) REFERENCES collection (collection_id) ON DELETE CASCADE, 
	CONSTRAINT fkey_dataset_tags_00000001_collection_summary_dataset_type_collection_id_dataset_type_id_collection_id_dataset_type_id FOREIGN KEY(collection_id, dataset_type_id) REFERENCES collection_summary_dataset_type (collection_id, dataset_type_id), 
	CONSTRAINT fkey_dataset_tags_00000001_instrument_name_instrument FOREIGN KEY(instrument) REFERENCES instrument (name), 
	CONSTRAINT fkey_dataset_tags_00000001_collection_summary_instrument_collection_id_instrument_collection_id_instrument FOREIGN KEY(collection_id, instrument) REFERENCES collection_summary_instrument (collection_id, instrument), 
	CONSTRAINT fkey_dataset_tags_00000001_detector_instrument_id_instrument_detector FOREIGN KEY(instrument, detector) REFERENCES detector (instrument, id), 
	CONSTRAINT fkey_dataset_tags_00000001_exposure_instrument_id_instrument_exposure FOREIGN KEY(instrument, exposure) REFERENCES exposure (instrument, id)
);
CREATE INDEX dataset_tags_00000001_fkidx_collection_id_instrument ON dataset_tags_00000001 (collection_id, instrument);
CREATE INDEX dataset_tags_00000001_fkidx_collection_id ON dataset_tags_00000001 (collection_id);
CREATE INDEX dataset_tags_00000001_fkidx_dataset_type_id ON dataset_tags_00000001 (dataset_type_id);
CREATE INDEX dataset_tags_00000001_fkidx_instrument_detector ON dataset_tags_00000001 (instrument, detector);
CREATE INDEX dataset_tags_00000001_fkidx_collection_id_dataset_type_id ON dataset_tags_00000001 (collection_id, dataset_type_id);
CREATE INDEX dataset_tags_00000001_fkidx_instrument_exposure ON dataset_tags_00000001 (instrument, exposure);
CREATE INDEX dataset_tags_00000001_fkidx_instrument ON dataset_tags_00000001 (instrument);
CREATE INDEX dataset_tags_00000001_fkidx_dataset_id ON dataset_tags_00000001 (dataset_id);
CREATE TABLE dataset_tags_00000002 (
	dataset_type_id BIGINT NOT NULL, 
	dataset_id CHAR(32) NOT NULL, 
	collection_id BIGINT NOT NULL, 
	instrument VARCHAR(32) NOT NULL, 
	detector BIGINT NOT NULL, 
	visit BIGINT NOT NULL, 
	PRIMARY KEY (dataset_id, collection_id), 
	CONSTRAINT dataset_tags_00000002_len_instrument CHECK (length("instrument")<=32 AND length("instrument")>=1), 
	CONSTRAINT dataset_tags_00000002_unq_dataset_type_id_collection_id_instrument_detector_visit UNIQUE (dataset_type_id, collection_id, instrument, detector, visit), 
	CONSTRAINT fkey_dataset_tags_00000002_dataset_type_id_dataset_type_id FOREIGN KEY(dataset_type_id) REFERENCES dataset_type (id), 
	CONSTRAINT fkey_dataset_tags_00000002_dataset_id_dataset_id FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE CASCADE, 
	CONSTRAINT fkey_dataset_tags_00000002_collection_collection_id_collection_id FOREIGN KEY(collection_id) REFERENCES collection (collection_id) ON DELETE CASCADE, 
	CONSTRAINT fkey_dataset_tags_00000002_collection_summary_dataset_type_collection_id_dataset_type_id_collection_id_dataset_type_id FOREIGN KEY(collection_id, dataset_type_id) REFERENCES collection_summary_dataset_type (collection_id, dataset_type_id), 
	CONSTRAINT fkey_dataset_tags_00000002_instrument_name_instrument FOREIGN KEY(instrument) REFERENCES instrument (name), 
	CONSTRAINT fkey_dataset_tags_00000002_collection_summary_instrument_collection_id_instrument_collection_id_instrument FOREIGN KEY(collection_id, instrument) REFERENCES collection_summary_instrument (collection_id, instrument), 
	CONSTRAINT fkey_dataset_tags_00000002_detector_instrument_id_instrument_detector FOREIGN KEY(instrument, detector) REFERENCES detector (instrument, id), 
	CONSTRAINT fkey_dataset_tags_00000002_visit_instrument_id_instrument_visit FOREIGN KEY(instrument, visit) REFERENCES visit (instrument, id)
);
CREATE INDEX dataset_tags_00000002_fkidx_instrument_detector ON dataset_tags_00000002 (instrument, detector);
CREATE INDEX dataset_tags_00000002_fkidx_collection_id_dataset_type_id ON dataset_tags_00000002 (collection_id, dataset_type_id);
CREATE INDEX dataset_tags_00000002_fkidx_instrument_visit ON dataset_tags_00000002 (instrument, visit);
CREATE INDEX dataset_tags_00000002_fkidx_instrument ON dataset_tags_00000002 (instrument);
CREATE INDEX dataset_tags_00000002_fkidx_dataset_id ON dataset_tags_00000002 (dataset_id);
CREATE INDEX dataset_tags_00000002_fkidx_collection_id_instrument ON dataset_tags_00000002 (collection_id, instrument);
CREATE INDEX dataset_tags_00000002_fkidx_collection_id ON dataset_tags_00000002 (collection_id);
CREATE INDEX dataset_tags_00000002_fkidx_dataset_type_id ON dataset_tags_00000002 (dataset_type_id);
CREATE TABLE dataset_tags_00000003 (
	dataset_type_id BIGINT NOT NULL, 
	dataset_id CHAR(32) NOT NULL, 
	collection_id BIGINT NOT NULL, 
	instrument VARCHAR(32) NOT NULL, 
	visit BIGINT NOT NULL, 
	PRIMARY KEY (dataset_id, collection_id), 
	CONSTRAINT dataset_tags_00000003_len_instrument CHECK (length("instrument")<=32 AND length("instrument")>=1), 
	CONSTRAINT dataset_tags_00000003_unq_dataset_type_id_collection_id_instrument_visit UNIQUE (dataset_type_id, collection_id, instrument, visit), 
	CONSTRAINT fkey_dataset_tags_00000003_dataset_type_id_dataset_type_id FOREIGN KEY(dataset_type_id) REFERENCES dataset_type (id), 
	CONSTRAINT fkey_dataset_tags_00000003_dataset_id_dataset_id FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE CASCADE, 
	CONSTRAINT fkey_dataset_tags_00000003_collection_collection_id_collection_id FOREIGN KEY(collection_id) REFERENCES collection (collection_id) ON DELETE CASCADE, 
	CONSTRAINT fkey_dataset_tags_00000003_collection_summary_dataset_type_collection_id_dataset_type_id_collection_id_dataset_type_id FOREIGN KEY(collection_id, dataset_type_id) REFERENCES collection_summary_dataset_type (collection_id, dataset_type_id), 
	CONSTRAINT fkey_dataset_tags_00000003_instrument_name_instrument FOREIGN KEY(instrument) REFERENCES instrument (name), 
	CONSTRAINT fkey_dataset_tags_00000003_collection_summary_instrument_collection_id_instrument_collection_id_instrument FOREIGN KEY(collection_id, instrument) REFERENCES collection_summary_instrument (collection_id, instrument), 
	CONSTRAINT fkey_dataset_tags_00000003_visit_instrument_id_instrument_visit FOREIGN KEY(instrument, visit) REFERENCES visit (instrument, id)
);
CREATE INDEX dataset_tags_00000003_fkidx_collection_id_dataset_type_id ON dataset_tags_00000003 (collection_id, dataset_type_id);
CREATE INDEX dataset_tags_00000003_fkidx_instrument ON dataset_tags_00000003 (instrument);
CREATE INDEX dataset_tags_00000003_fkidx_dataset_id ON dataset_tags_00000003 (dataset_id);
CREATE INDEX dataset_tags_00000003_fkidx_collection_id_instrument ON dataset_tags_00000003 (collection_id, instrument);
CREATE INDEX dataset_tags_00000003_fkidx_collection_id ON dataset_tags_00000003 (collection_id);
CREATE INDEX dataset_tags_00000003_fkidx_dataset_type_id ON dataset_tags_00000003 (dataset_type_id);
CREATE INDEX dataset_tags_00000003_fkidx_instrument_visit ON dataset_tags_00000003 (instrument, visit);
CREATE TABLE dataset_tags_00000004 (
	dataset_type_id BIGINT NOT NULL, 
	dataset_id CHAR(32) NOT NULL, 
	collection_id BIGINT NOT NULL, 
	instrument VARCHAR(32) NOT NULL, 
	detector BIGINT NOT NULL, 
	PRIMARY KEY (dataset_id, collection_id), 
	CONSTRAINT dataset_tags_00000004_len_instrument CHECK (length("instrument")<=32 AND length("instrument")>=1), 
	CONSTRAINT dataset_tags_00000004_unq_dataset_type_id_collection_id_instrument_detector UNIQUE (dataset_type_id, collection_id, instrument, detector), 
	CONSTRAINT fkey_dataset_tags_00000004_dataset_type_id_dataset_type_id FOREIGN KEY(dataset_type_id) REFERENCES dataset_type (id), 
	CONSTRAINT fkey_dataset_tags_00000004_dataset_id_dataset_id FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE CASCADE, 
	CONSTRAINT fkey_dataset_tags_00000004_collection_collection_id_collection_id FOREIGN KEY(collection_id) REFERENCES collection (collection_id) ON DELETE CASCADE, 
	CONSTRAINT fkey_dataset_tags_00000004_collection_summary_dataset_type_collection_id_dataset_type_id_collection_id_dataset_type_id FOREIGN KEY(collection_id, dataset_type_id) REFERENCES collection_summary_dataset_type (collection_id, dataset_type_id), 
	CONSTRAINT fkey_dataset_tags_00000004_instrument_name_instrument FOREIGN KEY(instrument) REFERENCES instrument (name), 
	CONSTRAINT fkey_dataset_tags_00000004_collection_summary_instrument_collection_id_instrument_collection_id_instrument FOREIGN KEY(collection_id, instrument) REFERENCES collection_summary_instrument (collection_id, instrument), 
	CONSTRAINT fkey_dataset_tags_00000004_detector_instrument_id_instrument_detector FOREIGN KEY(instrument, detector) REFERENCES detector (instrument, id)
);
CREATE INDEX dataset_tags_00000004_fkidx_instrument ON dataset_tags_00000004 (instrument);
CREATE INDEX dataset_tags_00000004_fkidx_dataset_id ON dataset_tags_00000004 (dataset_id);
CREATE INDEX dataset_tags_00000004_fkidx_collection_id_instrument ON dataset_tags_00000004 (collection_id, instrument);
CREATE INDEX dataset_tags_00000004_fkidx_collection_id ON dataset_tags_00000004 (collection_id);
CREATE INDEX dataset_tags_00000004_fkidx_dataset_type_id ON dataset_tags_00000004 (dataset_type_id);
CREATE INDEX dataset_tags_00000004_fkidx_instrument_detector ON dataset_tags_00000004 (instrument, detector);
CREATE INDEX dataset_tags_00000004_fkidx_collection_id_dataset_type_id ON dataset_tags_00000004 (collection_id, dataset_type_id);
CREATE TABLE dataset_calibs_00000004 (
	id INTEGER NOT NULL, 
	dataset_type_id BIGINT NOT NULL, 
	dataset_id CHAR(32) NOT NULL, 
	collection_id BIGINT NOT NULL, 
	instrument VARCHAR(32) NOT NULL, 
	detector BIGINT NOT NULL, 
	timespan_begin BIGINT DEFAULT 0 NOT NULL, 
	timespan_end BIGINT DEFAULT 4102444800000000000 NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT dataset_calibs_00000004_len_instrument CHECK (length("instrument")<=32 AND length("instrument")>=1), 
	CONSTRAINT fkey_dataset_calibs_00000004_dataset_type_id_dataset_type_id FOREIGN KEY(dataset_type_id) REFERENCES dataset_type (id), 
	CONSTRAINT fkey_dataset_calibs_00000004_dataset_id_dataset_id FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE CASCADE, 
	CONSTRAINT fkey_dataset_calibs_00000004_collection_collection_id_collection_id FOREIGN KEY(collection_id) REFERENCES collection (collection_id) ON DELETE CASCADE, 
	CONSTRAINT fkey_dataset_calibs_00000004_collection_summary_dataset_type_collection_id_dataset_type_id_collection_id_dataset_type_id FOREIGN KEY(collection_id, dataset_type_id) REFERENCES collection_summary_dataset_type (collection_id, dataset_type_id), 
	CONSTRAINT fkey_dataset_calibs_00000004_instrument_name_instrument FOREIGN KEY(instrument) REFERENCES instrument (name), 
	CONSTRAINT fkey_dataset_calibs_00000004_collection_summary_instrument_collection_id_instrument_collection_id_instrument FOREIGN KEY(collection_id, instrument) REFERENCES collection_summary_instrument (collection_id, instrument), 
	CONSTRAINT fkey_dataset_calibs_00000004_detector_instrument_id_instrument_detector FOREIGN KEY(instrument, detector) REFERENCES detector (instrument, id)
);
CREATE INDEX dataset_calibs_00000004_fkidx_instrument_detector ON dataset_calibs_00000004 (instrument, detector);
CREATE INDEX dataset_calibs_00000004_fkidx_collection_id_dataset_type_id ON dataset_calibs_00000004 (collection_id, dataset_type_id);
CREATE INDEX dataset_calibs_00000004_idx_dataset_type_id_collection_id_instrument_detector_timespan_begin_timespan_end ON dataset_calibs_00000004 (dataset_type_id, collection_id, instrument, detector, timespan_begin, timespan_end);
CREATE INDEX dataset_calibs_00000004_fkidx_instrument ON dataset_calibs_00000004 (instrument);
CREATE INDEX dataset_calibs_00000004_fkidx_dataset_id ON dataset_calibs_00000004 (dataset_id);
CREATE INDEX dataset_calibs_00000004_fkidx_collection_id_instrument ON dataset_calibs_00000004 (collection_id, instrument);
CREATE INDEX dataset_calibs_00000004_fkidx_collection_id ON dataset_calibs_00000004 (collection_id);
CREATE INDEX dataset_calibs_00000004_fkidx_dataset_type_id ON dataset_calibs_00000004 (dataset_type_id);
CREATE TABLE dataset_tags_00000005 (
	dataset_type_id BIGINT NOT NULL, 
	dataset_id CHAR(32) NOT NULL, 
	collection_id BIGINT NOT NULL, 
	instrument VARCHAR(32) NOT NULL, 
	detector BIGINT NOT NULL, 
	physical_filter VARCHAR(32) NOT NULL, 
	PRIMARY KEY (dataset_id, collection_id), 
	CONSTRAINT dataset_tags_00000005_len_instrument CHECK (length("instrument")<=32 AND length("instrument")>=1), 
	CONSTRAINT dataset_tags_00000005_len_physical_filter CHECK (length("physical_filter")<=32 AND length("physical_filter")>=1), 
	CONSTRAINT dataset_tags_00000005_unq_dataset_type_id_collection_id_instrument_detector_physical_filter UNIQUE (dataset_type_id, collection_id, instrument, detector, physical_filter), 
	CONSTRAINT fkey_dataset_tags_00000005_dataset_type_id_dataset_type_id FOREIGN KEY(dataset_type_id) REFERENCES dataset_type (id), 
	CONSTRAINT fkey_dataset_tags_00000005_dataset_id_dataset_id FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE CASCADE, 
	CONSTRAINT fkey_dataset_tags_00000005_collection_collection_id_collection_id FOREIGN KEY(collection_id) REFERENCES collection (collection_id) ON DELETE CASCADE, 
	CONSTRAINT fkey_dataset_tags_00000005_collection_summary_dataset_type_collection_id_dataset_type_id_collection_id_dataset_type_id FOREIGN KEY(collection_id, dataset_type_id) REFERENCES collection_summary_dataset_type (collection_id, dataset_type_id), 
	CONSTRAINT fkey_dataset_tags_00000005_instrument_name_instrument FOREIGN KEY(instrument) REFERENCES instrument (name), 
	CONSTRAINT fkey_dataset_tags_00000005_collection_summary_instrument_collection_id_instrument_collection_id_instrument FOREIGN KEY(collection_id, instrument) REFERENCES collection_summary_instrument (collection_id, instrument), 
	CONSTRAINT fkey_dataset_tags_00000005_detector_instrument_id_instrument_detector FOREIGN KEY(instrument, detector) REFERENCES detector (instrument, id), 
	CONSTRAINT fkey_dataset_tags_00000005_physical_filter_instrument_name_instrument_physical_filter FOREIGN KEY(instrument, physical_filter) REFERENCES physical_filter (instrument, name)
);
CREATE INDEX dataset_tags_00000005_fkidx_instrument_physical_filter ON dataset_tags_00000005 (instrument, physical_filter);
CREATE INDEX dataset_tags_00000005_fkidx_instrument ON dataset_tags_00000005 (instrument);
CREATE INDEX dataset_tags_00000005_fkidx_dataset_id ON dataset_tags_00000005 (dataset_id);
CREATE INDEX dataset_tags_00000005_fkidx_collection_id_instrument ON dataset_tags_00000005 (collection_id, instrument);
CREATE INDEX dataset_tags_00000005_fkidx_collection_id ON dataset_tags_00000005 (collection_id);
CREATE INDEX dataset_tags_00000005_fkidx_instrument_detector ON dataset_tags_00000005 (instrument, detector);
CREATE INDEX dataset_tags_00000005_fkidx_collection_id_dataset_type_id ON dataset_tags_00000005 (collection_id, dataset_type_id);
CREATE INDEX dataset_tags_00000005_fkidx_dataset_type_id ON dataset_tags_00000005 (dataset_type_id);
CREATE TABLE dataset_calibs_00000005 (
	id INTEGER NOT NULL, 
	dataset_type_id BIGINT NOT NULL, 
	dataset_id CHAR(32) NOT NULL, 
	collection_id BIGINT NOT NULL, 
	instrument VARCHAR(32) NOT NULL, 
	detector BIGINT NOT NULL, 
	physical_filter VARCHAR(32) NOT NULL, 
	timespan_begin BIGINT DEFAULT 0 NOT NULL, 
	timespan_end BIGINT DEFAULT 4102444800000000000 NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT dataset_calibs_00000005_len_instrument CHECK (length("instrument")<=32 AND length("instrument")>=1), 
	CONSTRAINT dataset_calibs_00000005_len_physical_filter CHECK (length("physical_filter")<=32 AND length("physical_filter")>=1), 
	CONSTRAINT fkey_dataset_calibs_00000005_dataset_type_id_dataset_type_id FOREIGN KEY(dataset_type_id) REFERENCES dataset_type (id), 
	CONSTRAINT fkey_dataset_calibs_00000005_dataset_id_dataset_id FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE CASCADE, 
	CONSTRAINT fkey_dataset_calibs_00000005_collection_collection_id_collection_id FOREIGN KEY(collection_id) REFERENCES collection (collection_id) ON DELETE CASCADE, 
	CONSTRAINT fkey_dataset_calibs_00000005_collection_summary_dataset_type_collection_id_dataset_type_id_collection_id_dataset_type_id FOREIGN KEY(collection_id, dataset_type_id) REFERENCES collection_summary_dataset_type (collection_id, dataset_type_id), 
	CONSTRAINT fkey_dataset_calibs_00000005_instrument_name_instrument FOREIGN KEY(instrument) REFERENCES instrument (name), 
	CONSTRAINT fkey_dataset_calibs_00000005_collection_summary_instrument_collection_id_instrument_collection_id_instrument FOREIGN KEY(collection_id, instrument) REFERENCES collection_summary_instrument (collection_id, instrument), 
	CONSTRAINT fkey_dataset_calibs_00000005_detector_instrument_id_instrument_detector FOREIGN KEY(instrument, detector) REFERENCES detector (instrument, id), 
	CONSTRAINT fkey_dataset_calibs_00000005_physical_filter_instrument_name_instrument_physical_filter FOREIGN KEY(instrument, physical_filter) REFERENCES physical_filter (instrument, name)
);
CREATE INDEX dataset_calibs_00000005_fkidx_instrument_physical_filter ON dataset_calibs_00000005 (instrument, physical_filter);
CREATE INDEX dataset_calibs_00000005_fkidx_instrument ON dataset_calibs_00000005 (instrument);
CREATE INDEX dataset_calibs_00000005_fkidx_dataset_id ON dataset_calibs_00000005 (dataset_id);
CREATE INDEX dataset_calibs_00000005_fkidx_collection_id_instrument ON dataset_calibs_00000005 (collection_id, instrument);
CREATE INDEX dataset_calibs_00000005_fkidx_collection_id ON dataset_calibs_00000005 (collection_id);
CREATE INDEX dataset_calibs_00000005_idx_dataset_type_id_collection_id_instrument_detector_physical_filter_timespan_begin_timespan_end ON dataset_calibs_00000005 (dataset_type_id, collection_id, instrument, detector, physical_filter, timespan_begin, timespan_end);
CREATE INDEX dataset_calibs_00000005_fkidx_instrument_detector ON dataset_calibs_00000005 (instrument, detector);
CREATE INDEX dataset_calibs_00000005_fkidx_collection_id_dataset_type_id ON dataset_calibs_00000005 (collection_id, dataset_type_id);
CREATE INDEX dataset_calibs_00000005_fkidx_dataset_type_id ON dataset_calibs_00000005 (dataset_type_id);
CREATE TABLE dataset_tags_00000006 (
	dataset_type_id BIGINT NOT NULL, 
	dataset_id CHAR(32) NOT NULL, 
	collection_id BIGINT NOT NULL, 
	band VARCHAR(32) NOT NULL, 
	skymap TEXT NOT NULL, 
	tract BIGINT NOT NULL, 
	patch BIGINT NOT NULL, 
	PRIMARY KEY (dataset_id, collection_id), 
	CONSTRAINT dataset_tags_00000006_len_band CHECK (length("band")<=32 AND length("band")>=1), 
	CONSTRAINT dataset_tags_00000006_unq_dataset_type_id_collection_id_band_skymap_tract_patch UNIQUE (dataset_type_id, collection_id, band, skymap, tract, patch), 
	CONSTRAINT fkey_dataset_tags_00000006_dataset_type_id_dataset_type_id FOREIGN KEY(dataset_type_id) REFERENCES dataset_type (id), 
	CONSTRAINT fkey_dataset_tags_00000006_dataset_id_dataset_id FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE CASCADE, 
	CONSTRAINT fkey_dataset_tags_00000006_collection_collection_id_collection_id FOREIGN KEY(collection_id) REFERENCES collection (collection_id) ON DELETE CASCADE, 
	CONSTRAINT fkey_dataset_tags_00000006_collection_summary_dataset_type_collection_id_dataset_type_id_collection_id_dataset_type_id FOREIGN KEY(collection_id, dataset_type_id) REFERENCES collection_summary_dataset_type (collection_id, dataset_type_id), 
	CONSTRAINT fkey_dataset_tags_00000006_skymap_name_skymap FOREIGN KEY(skymap) REFERENCES skymap (name), 
	CONSTRAINT fkey_dataset_tags_00000006_collection_summary_skymap_collection_id_skymap_collection_id_skymap FOREIGN KEY(collection_id, skymap) REFERENCES collection_summary_skymap (collection_id, skymap), 
	CONSTRAINT fkey_dataset_tags_00000006_tract_skymap_id_skymap_tract FOREIGN KEY(skymap, tract) REFERENCES tract (skymap, id), 
	CONSTRAINT fkey_dataset_tags_00000006_patch_skymap_tract_id_skymap_tract_patch FOREIGN KEY(skymap, tract, patch) REFERENCES patch (skymap, tract, id)
);
CREATE INDEX dataset_tags_00000006_fkidx_dataset_id ON dataset_tags_00000006 (dataset_id);
CREATE INDEX dataset_tags_00000006_fkidx_collection_id_skymap ON dataset_tags_00000006 (collection_id, skymap);
CREATE INDEX dataset_tags_00000006_fkidx_collection_id ON dataset_tags_00000006 (collection_id);
CREATE INDEX dataset_tags_00000006_fkidx_skymap_tract ON dataset_tags_00000006 (skymap, tract);
CREATE INDEX dataset_tags_00000006_fkidx_collection_id_dataset_type_id ON dataset_tags_00000006 (collection_id, dataset_type_id);
CREATE INDEX dataset_tags_00000006_fkidx_dataset_type_id ON dataset_tags_00000006 (dataset_type_id);
CREATE INDEX dataset_tags_00000006_fkidx_skymap_tract_patch ON dataset_tags_00000006 (skymap, tract, patch);
CREATE INDEX dataset_tags_00000006_fkidx_skymap ON dataset_tags_00000006 (skymap);
CREATE TABLE dataset_tags_00000007 (
	dataset_type_id BIGINT NOT NULL, 
	dataset_id CHAR(32) NOT NULL, 
	collection_id BIGINT NOT NULL, 
	skymap TEXT NOT NULL, 
	tract BIGINT NOT NULL, 
	PRIMARY KEY (dataset_id, collection_id), 
	CONSTRAINT dataset_tags_00000007_unq_dataset_type_id_collection_id_skymap_tract UNIQUE (dataset_type_id, collection_id, skymap, tract), 
	CONSTRAINT fkey_dataset_tags_00000007_dataset_type_id_dataset_type_id FOREIGN KEY(dataset_type_id) REFERENCES dataset_type (id), 
	CONSTRAINT fkey_dataset_tags_00000007_dataset_id_dataset_id FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE CASCADE, 
	CONSTRAINT fkey_dataset_tags_00000007_collection_collection_id_collection_id FOREIGN KEY(collection_id) REFERENCES collection (collection_id) ON DELETE CASCADE, 
	CONSTRAINT fkey_dataset_tags_00000007_collection_summary_dataset_type_collection_id_dataset_type_id_collection_id_dataset_type_id FOREIGN KEY(collection_id, dataset_type_id) REFERENCES collection_summary_dataset_type (collection_id, dataset_type_id), 
	CONSTRAINT fkey_dataset_tags_00000007_skymap_name_skymap FOREIGN KEY(skymap) REFERENCES skymap (name), 
	CONSTRAINT fkey_dataset_tags_00000007_collection_summary_skymap_collection_id_skymap_collection_id_skymap FOREIGN KEY(collection_id, skymap) REFERENCES collection_summary_skymap (collection_id, skymap), 
	CONSTRAINT fkey_dataset_tags_00000007_tract_skymap_id_skymap_tract FOREIGN KEY(skymap, tract) REFERENCES tract (skymap, id)
);
CREATE INDEX dataset_tags_00000007_fkidx_collection_id_skymap ON dataset_tags_00000007 (collection_id, skymap);
CREATE INDEX dataset_tags_00000007_fkidx_collection_id ON dataset_tags_00000007 (collection_id);
CREATE INDEX dataset_tags_00000007_fkidx_skymap_tract ON dataset_tags_00000007 (skymap, tract);
CREATE INDEX dataset_tags_00000007_fkidx_collection_id_dataset_type_id ON dataset_tags_00000007 (collection_id, dataset_type_id);
CREATE INDEX dataset_tags_00000007_fkidx_dataset_type_id ON dataset_tags_00000007 (dataset_type_id);
CREATE INDEX dataset_tags_00000007_fkidx_skymap ON dataset_tags_00000007 (skymap);
CREATE INDEX dataset_tags_00000007_fkidx_dataset_id ON dataset_tags_00000007 (dataset_id);
CREATE TABLE dataset_tags_00000008 (
	dataset_type_id BIGINT NOT NULL, 
	dataset_id CHAR(32) NOT NULL, 
	collection_id BIGINT NOT NULL, 
	instrument VARCHAR(32) NOT NULL, 
	skymap TEXT NOT NULL, 
	tract BIGINT NOT NULL, 
	patch BIGINT NOT NULL, 
	visit BIGINT NOT NULL, 
	PRIMARY KEY (dataset_id, collection_id), 
	CONSTRAINT dataset_tags_00000008_len_instrument CHECK (length("instrument")<=32 AND length("instrument")>=1), 
	CONSTRAINT dataset_tags_00000008_unq_dataset_type_id_collection_id_instrument_skymap_tract_patch_visit UNIQUE (dataset_type_id, collection_id, instrument, skymap, tract, patch, visit), 
	CONSTRAINT fkey_dataset_tags_00000008_dataset_type_id_dataset_type_id FOREIGN KEY(dataset_type_id) REFERENCES dataset_type (id), 
	CONSTRAINT fkey_dataset_tags_00000008_dataset_id_dataset_id FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE CASCADE, 
	CONSTRAINT fkey_dataset_tags_00000008_collection_collection_id_collection_id FOREIGN KEY(collection_id) REFERENCES collection (collection_id) ON DELETE CASCADE, 
	CONSTRAINT fkey_dataset_tags_00000008_collection_summary_dataset_type_collection_id_dataset_type_id_collection_id_dataset_type_id FOREIGN KEY(collection_id, dataset_type_id) REFERENCES collection_summary_dataset_type (collection_id, dataset_type_id), 
	CONSTRAINT fkey_dataset_tags_00000008_instrument_name_instrument FOREIGN KEY(instrument) REFERENCES instrument (name), 
	CONSTRAINT fkey_dataset_tags_00000008_collection_summary_instrument_collection_id_instrument_collection_id_instrument FOREIGN KEY(collection_id, instrument) REFERENCES collection_summary_instrument (collection_id, instrument), 
	CONSTRAINT fkey_dataset_tags_00000008_skymap_name_skymap FOREIGN KEY(skymap) REFERENCES skymap (name), 
	CONSTRAINT fkey_dataset_tags_00000008_collection_summary_skymap_collection_id_skymap_collection_id_skymap FOREIGN KEY(collection_id, skymap) REFERENCES collection_summary_skymap (collection_id, skymap), 
	CONSTRAINT fkey_dataset_tags_00000008_tract_skymap_id_skymap_tract FOREIGN KEY(skymap, tract) REFERENCES tract (skymap, id), 
	CONSTRAINT fkey_dataset_tags_00000008_patch_skymap_tract_id_skymap_tract_patch FOREIGN KEY(skymap, tract, patch) REFERENCES patch (skymap, tract, id), 
	CONSTRAINT fkey_dataset_tags_00000008_visit_instrument_id_instrument_visit FOREIGN KEY(instrument, visit) REFERENCES visit (instrument, id)
);
CREATE INDEX dataset_tags_00000008_fkidx_dataset_id ON dataset_tags_00000008 (dataset_id);
CREATE INDEX dataset_tags_00000008_fkidx_skymap_tract ON dataset_tags_00000008 (skymap, tract);
CREATE INDEX dataset_tags_00000008_fkidx_collection_id_instrument ON dataset_tags_00000008 (collection_id, instrument);
CREATE INDEX dataset_tags_00000008_fkidx_collection_id ON dataset_tags_00000008 (collection_id);
CREATE INDEX dataset_tags_00000008_fkidx_skymap_tract_patch ON dataset_tags_00000008 (skymap, tract, patch);
CREATE INDEX dataset_tags_00000008_fkidx_skymap ON dataset_tags_00000008 (skymap);
CREATE INDEX dataset_tags_00000008_fkidx_collection_id_dataset_type_id ON dataset_tags_00000008 (collection_id, dataset_type_id);
CREATE INDEX dataset_tags_00000008_fkidx_dataset_type_id ON dataset_tags_00000008 (dataset_type_id);
CREATE INDEX dataset_tags_00000008_fkidx_instrument_visit ON dataset_tags_00000008 (instrument, visit);
CREATE INDEX dataset_tags_00000008_fkidx_collection_id_skymap ON dataset_tags_00000008 (collection_id, skymap);
CREATE INDEX dataset_tags_00000008_fkidx_instrument ON dataset_tags_00000008 (instrument);
CREATE TABLE dataset_tags_00000009 (
	dataset_type_id BIGINT NOT NULL, 
	dataset_id CHAR(32) NOT NULL, 
	collection_id BIGINT NOT NULL, 
	htm7 BIGINT NOT NULL, 
	PRIMARY KEY (dataset_id, collection_id), 
	CONSTRAINT dataset_tags_00000009_unq_dataset_type_id_collection_id_htm7 UNIQUE (dataset_type_id, collection_id, htm7), 
	CONSTRAINT fkey_dataset_tags_00000009_dataset_type_id_dataset_type_id FOREIGN KEY(dataset_type_id) REFERENCES dataset_type (id), 
	CONSTRAINT fkey_dataset_tags_00000009_dataset_id_dataset_id FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE CASCADE, 
	CONSTRAINT fkey_dataset_tags_00000009_collection_collection_id_collection_id FOREIGN KEY(collection_id) REFERENCES collection (collection_id) ON DELETE CASCADE, 
	CONSTRAINT fkey_dataset_tags_00000009_collection_summary_dataset_type_collection_id_dataset_type_id_collection_id_dataset_type_id FOREIGN KEY(collection_id, dataset_type_id) REFERENCES collection_summary_dataset_type (collection_id, dataset_type_id)
);
CREATE INDEX dataset_tags_00000009_fkidx_dataset_type_id ON dataset_tags_00000009 (dataset_type_id);
CREATE INDEX dataset_tags_00000009_fkidx_dataset_id ON dataset_tags_00000009 (dataset_id);
CREATE INDEX dataset_tags_00000009_fkidx_collection_id ON dataset_tags_00000009 (collection_id);
CREATE INDEX dataset_tags_00000009_fkidx_collection_id_dataset_type_id ON dataset_tags_00000009 (collection_id, dataset_type_id);
CREATE TABLE dataset_tags_00000010 (
	dataset_type_id BIGINT NOT NULL, 
	dataset_id CHAR(32) NOT NULL, 
	collection_id BIGINT NOT NULL, 
	instrument VARCHAR(32) NOT NULL, 
	PRIMARY KEY (dataset_id, collection_id), 
	CONSTRAINT dataset_tags_00000010_len_instrument CHECK (length("instrument")<=32 AND length("instrument")>=1), 
	CONSTRAINT dataset_tags_00000010_unq_dataset_type_id_collection_id_instrument UNIQUE (dataset_type_id, collection_id, instrument), 
	CONSTRAINT fkey_dataset_tags_00000010_dataset_type_id_dataset_type_id FOREIGN KEY(dataset_type_id) REFERENCES dataset_type (id), 
	CONSTRAINT fkey_dataset_tags_00000010_dataset_id_dataset_id FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE CASCADE, 
	CONSTRAINT fkey_dataset_tags_00000010_collection_collection_id_collection_id FOREIGN KEY(collection_id) REFERENCES collection (collection_id) ON DELETE CASCADE, 
	CONSTRAINT fkey_dataset_tags_00000010_collection_summary_dataset_type_collection_id_dataset_type_id_collection_id_dataset_type_id FOREIGN KEY(collection_id, dataset_type_id) REFERENCES collection_summary_dataset_type (collection_id, dataset_type_id), 
	CONSTRAINT fkey_dataset_tags_00000010_instrument_name_instrument FOREIGN KEY(instrument) REFERENCES instrument (name), 
	CONSTRAINT fkey_dataset_tags_00000010_collection_summary_instrument_collection_id_instrument_collection_id_instrument FOREIGN KEY(collection_id, instrument) REFERENCES collection_summary_instrument (collection_id, instrument)
);
CREATE INDEX dataset_tags_00000010_fkidx_dataset_type_id ON dataset_tags_00000010 (dataset_type_id);
CREATE INDEX dataset_tags_00000010_fkidx_collection_id_dataset_type_id ON dataset_tags_00000010 (collection_id, dataset_type_id);
CREATE INDEX dataset_tags_00000010_fkidx_instrument ON dataset_tags_00000010 (instrument);
CREATE INDEX dataset_tags_00000010_fkidx_dataset_id ON dataset_tags_00000010 (dataset_id);
CREATE INDEX dataset_tags_00000010_fkidx_collection_id_instrument ON dataset_tags_00000010 (collection_id, instrument);
CREATE INDEX dataset_tags_00000010_fkidx_collection_id ON dataset_tags_00000010 (collection_id);
CREATE TABLE dataset_calibs_00000010 (
	id INTEGER NOT NULL, 
	dataset_type_id BIGINT NOT NULL, 
	dataset_id CHAR(32) NOT NULL, 
	collection_id BIGINT NOT NULL, 
	instrument VARCHAR(32) NOT NULL, 
	timespan_begin BIGINT DEFAULT 0 NOT NULL, 
	timespan_end BIGINT DEFAULT 4102444800000000000 NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT dataset_calibs_00000010_len_instrument CHECK (length("instrument")<=32 AND length("instrument")>=1), 
	CONSTRAINT fkey_dataset_calibs_00000010_dataset_type_id_dataset_type_id FOREIGN KEY(dataset_type_id) REFERENCES dataset_type (id), 
	CONSTRAINT fkey_dataset_calibs_00000010_dataset_id_dataset_id FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE CASCADE, 
	CONSTRAINT fkey_dataset_calibs_00000010_collection_collection_id_collection_id FOREIGN KEY(collection_id) REFERENCES collection (collection_id) ON DELETE CASCADE, 
	CONSTRAINT fkey_dataset_calibs_00000010_collection_summary_dataset_type_collection_id_dataset_type_id_collection_id_dataset_type_id FOREIGN KEY(collection_id, dataset_type_id) REFERENCES collection_summary_dataset_type (collection_id, dataset_type_id), 
	CONSTRAINT fkey_dataset_calibs_00000010_instrument_name_instrument FOREIGN KEY(instrument) REFERENCES instrument (name), 
	CONSTRAINT fkey_dataset_calibs_00000010_collection_summary_instrument_collection_id_instrument_collection_id_instrument FOREIGN KEY(collection_id, instrument) REFERENCES collection_summary_instrument (collection_id, instrument)
);
CREATE INDEX dataset_calibs_00000010_fkidx_instrument ON dataset_calibs_00000010 (instrument);
CREATE INDEX dataset_calibs_00000010_fkidx_dataset_id ON dataset_calibs_00000010 (dataset_id);
CREATE INDEX dataset_calibs_00000010_idx_dataset_type_id_collection_id_instrument_timespan_begin_timespan_end ON dataset_calibs_00000010 (dataset_type_id, collection_id, instrument, timespan_begin, timespan_end);
CREATE INDEX dataset_calibs_00000010_fkidx_collection_id_instrument ON dataset_calibs_00000010 (collection_id, instrument);
CREATE INDEX dataset_calibs_00000010_fkidx_collection_id ON dataset_calibs_00000010 (collection_id);
CREATE INDEX dataset_calibs_00000010_fkidx_collection_id_dataset_type_id ON dataset_calibs_00000010 (collection_id, dataset_type_id);
CREATE INDEX dataset_calibs_00000010_fkidx_dataset_type_id ON dataset_calibs_00000010 (dataset_type_id);
CREATE TABLE dataset_tags_00000011 (
	dataset_type_id BIGINT NOT NULL, 
	dataset_id CHAR(32) NOT NULL, 
	collection_id BIGINT NOT NULL, 
	skymap TEXT NOT NULL, 
	PRIMARY KEY (dataset_id, collection_id), 
	CONSTRAINT dataset_tags_00000011_unq_dataset_type_id_collection_id_skymap UNIQUE (dataset_type_id, collection_id, skymap), 
	CONSTRAINT fkey_dataset_tags_00000011_dataset_type_id_dataset_type_id FOREIGN KEY(dataset_type_id) REFERENCES dataset_type (id), 
	CONSTRAINT fkey_dataset_tags_00000011_dataset_id_dataset_id FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE CASCADE, 
	CONSTRAINT fkey_dataset_tags_00000011_collection_collection_id_collection_id FOREIGN KEY(collection_id) REFERENCES collection (collection_id) ON DELETE CASCADE, 
	CONSTRAINT fkey_dataset_tags_00000011_collection_summary_dataset_type_collection_id_dataset_type_id_collection_id_dataset_type_id FOREIGN KEY(collection_id, dataset_type_id) REFERENCES collection_summary_dataset_type (collection_id, dataset_type_id), 
	CONSTRAINT fkey_dataset_tags_00000011_skymap_name_skymap FOREIGN KEY(skymap) REFERENCES skymap (name), 
	CONSTRAINT fkey_dataset_tags_00000011_collection_summary_skymap_collection_id_skymap_collection_id_skymap FOREIGN KEY(collection_id, skymap) REFERENCES collection_summary_skymap (collection_id, skymap)
);
CREATE INDEX dataset_tags_00000011_fkidx_skymap ON dataset_tags_00000011 (skymap);
CREATE INDEX dataset_tags_00000011_fkidx_dataset_id ON dataset_tags_00000011 (dataset_id);
CREATE INDEX dataset_tags_00000011_fkidx_collection_id_skymap ON dataset_tags_00000011 (collection_id, skymap);
CREATE INDEX dataset_tags_00000011_fkidx_collection_id ON dataset_tags_00000011 (collection_id);
CREATE INDEX dataset_tags_00000011_fkidx_collection_id_dataset_type_id ON dataset_tags_00000011 (collection_id, dataset_type_id);
CREATE INDEX dataset_tags_00000011_fkidx_dataset_type_id ON dataset_tags_00000011 (dataset_type_id);
