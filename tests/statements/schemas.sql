-- The tables that the statements of this folder read: five businesses, and what surrounds them.

-- retail
CREATE TABLE customers (customer_id INTEGER, name VARCHAR, email VARCHAR, city VARCHAR, region VARCHAR, birth_date DATE, joined DATE, segment VARCHAR, referrer_id INTEGER, tags VARCHAR[], address STRUCT(street VARCHAR, zip VARCHAR, country VARCHAR));
CREATE TABLE products (product_id INTEGER, title VARCHAR, category VARCHAR, brand VARCHAR, price DECIMAL(10, 2), cost DECIMAL(10, 2), attributes MAP(VARCHAR, VARCHAR), parent_id INTEGER);
CREATE TABLE stores (store_id INTEGER, store_name VARCHAR, city VARCHAR, region VARCHAR, opened DATE, size_m2 INTEGER);
CREATE TABLE sales (sale_id INTEGER, sold_at TIMESTAMP, customer_id INTEGER, product_id INTEGER, store_id INTEGER, quantity INTEGER, unit_price DECIMAL(10, 2), discount DECIMAL(10, 2), channel VARCHAR, coupon VARCHAR);
CREATE TABLE returns (return_id INTEGER, sale_id INTEGER, returned_at TIMESTAMP, quantity INTEGER, reason VARCHAR);
CREATE TABLE inventory (product_id INTEGER, store_id INTEGER, day DATE, on_hand INTEGER);
CREATE TABLE price_changes (product_id INTEGER, valid_from TIMESTAMP, new_price DECIMAL(10, 2));

-- shipping
CREATE TABLE ports (port_id INTEGER, port VARCHAR, country VARCHAR, latitude DOUBLE, longitude DOUBLE);
CREATE TABLE vessels (vessel_id INTEGER, vessel VARCHAR, capacity INTEGER, built INTEGER, flag VARCHAR);
CREATE TABLE voyages (voyage_id INTEGER, vessel_id INTEGER, origin_id INTEGER, destination_id INTEGER, departed TIMESTAMP, arrived TIMESTAMP, cargo_tonnes DOUBLE);
CREATE TABLE containers (container_id INTEGER, voyage_id INTEGER, shipper VARCHAR, weight_kg DOUBLE, goods VARCHAR, hazardous BOOLEAN);
CREATE TABLE routes (from_id INTEGER, to_id INTEGER, distance_nm INTEGER);

-- telephony
CREATE TABLE subscribers (subscriber_id INTEGER, msisdn VARCHAR, plan VARCHAR, activated DATE, home_cell INTEGER);
CREATE TABLE plans (plan VARCHAR, monthly_fee DECIMAL(8, 2), included_minutes INTEGER);
CREATE TABLE cells (cell_id INTEGER, site VARCHAR, technology VARCHAR, district VARCHAR);
CREATE TABLE calls (call_id INTEGER, caller INTEGER, callee INTEGER, started TIMESTAMP, seconds INTEGER, cell_id INTEGER, dropped BOOLEAN);

-- hospital
CREATE TABLE patients (patient_id INTEGER, name VARCHAR, sex VARCHAR, birth_date DATE, insurer VARCHAR);
CREATE TABLE wards (ward_id INTEGER, ward VARCHAR, beds INTEGER);
CREATE TABLE doctors (doctor_id INTEGER, doctor VARCHAR, speciality VARCHAR, supervisor_id INTEGER);
CREATE TABLE stays (stay_id INTEGER, patient_id INTEGER, ward_id INTEGER, doctor_id INTEGER, admitted TIMESTAMP, discharged TIMESTAMP, diagnoses VARCHAR[]);
CREATE TABLE measurements (measurement_id INTEGER, stay_id INTEGER, taken TIMESTAMP, kind VARCHAR, value DOUBLE);
CREATE TABLE prescriptions (prescription_id INTEGER, stay_id INTEGER, drug VARCHAR, dose DOUBLE, unit VARCHAR, started DATE, days INTEGER);

-- sensors
CREATE TABLE devices (device_id INTEGER, site VARCHAR, model VARCHAR, installed DATE, config STRUCT(interval_s INTEGER, thresholds STRUCT(low DOUBLE, high DOUBLE), labels VARCHAR[]));
CREATE TABLE readings (device_id INTEGER, read_at TIMESTAMP, temperature DOUBLE, humidity DOUBLE, battery INTEGER);
CREATE TABLE calibrations (device_id INTEGER, calibrated_at TIMESTAMP, "offset" DOUBLE);
CREATE TABLE alerts (alert_id INTEGER, device_id INTEGER, raised TIMESTAMP, level VARCHAR, message VARCHAR);

-- money, people and pages
CREATE TABLE employees (employee_id INTEGER, name VARCHAR, department VARCHAR, manager_id INTEGER, salary DECIMAL(10, 2), hired DATE);
CREATE TABLE budgets (department VARCHAR, year INTEGER, q1 INTEGER, q2 INTEGER, q3 INTEGER, q4 INTEGER);
CREATE TABLE accounts (account_id INTEGER, owner VARCHAR, currency VARCHAR, opened DATE);
CREATE TABLE transfers (transfer_id INTEGER, from_account INTEGER, to_account INTEGER, amount DECIMAL(12, 2), booked DATE, memo VARCHAR);
CREATE TABLE sessions (session_id INTEGER, visitor VARCHAR, started TIMESTAMP, source VARCHAR, device VARCHAR);
CREATE TABLE clicks (click_id INTEGER, session_id INTEGER, clicked_at TIMESTAMP, page VARCHAR, ms INTEGER);

-- billing
CREATE TABLE plan_periods (customer_id INTEGER, plan VARCHAR, fee DECIMAL(8, 2), valid_from DATE, valid_to DATE);
CREATE TABLE invoices (invoice_no VARCHAR, customer_id INTEGER, issued DATE, due DATE, currency VARCHAR, status ENUM('open', 'paid', 'void'));
CREATE TABLE invoice_lines (invoice_no VARCHAR, line_no INTEGER, sku VARCHAR, amount DECIMAL(10, 2), tax_rate DECIMAL(4, 3));
CREATE TABLE payments (payment_id INTEGER, invoice_no VARCHAR, paid_on DATE, amount DECIMAL(10, 2), method VARCHAR);
CREATE TABLE fx (currency VARCHAR, day DATE, rate DOUBLE);

-- works and parcels
CREATE TABLE parts (part VARCHAR, description VARCHAR, unit_cost DECIMAL(8, 2), made_here BOOLEAN);
CREATE TABLE part_uses (assembly VARCHAR, component VARCHAR, pieces INTEGER);
CREATE TABLE parcels (parcel_id INTEGER, order_ref VARCHAR, weight_g INTEGER, "from.hub" VARCHAR, "Ziel Ort" VARCHAR, promised DATE);
CREATE TABLE scans (parcel_id INTEGER, seen_at TIMESTAMP, hub VARCHAR, state VARCHAR);

-- events
CREATE TABLE app_events (event_id BIGINT, user_key VARCHAR, seen_at TIMESTAMP WITH TIME ZONE, kind VARCHAR, payload JSON);

-- people over time
CREATE TABLE staff_history (staff_id INTEGER, role VARCHAR, team VARCHAR, pay DECIMAL(8, 2), since DATE);
CREATE TABLE absences (staff_id INTEGER, first_day DATE, last_day DATE, reason VARCHAR);

-- meters
CREATE TABLE meters (meter VARCHAR, tags STRUCT(site VARCHAR, phases INTEGER[]), limits MAP(VARCHAR, DOUBLE));
CREATE TABLE meter_values (meter VARCHAR, seen_at TIMESTAMP, kwh DOUBLE, quality ENUM('ok', 'est', 'bad'));
CREATE TABLE "Größen" ("Maß" VARCHAR, "min.wert" DOUBLE, "max.wert" DOUBLE);
