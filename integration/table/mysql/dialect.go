package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gantry/integration/table"
	"gantry/sink/row"
)

// dialect is that of MySQL and MariaDB.
type dialect struct{ epoch string }

func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// split cuts DATABASE.TABLE; what has more dots is a table's name as a whole.
func split(name string) (database, of string) {
	if database, rest, ok := strings.Cut(name, "."); ok && !strings.Contains(rest, ".") {
		return database, rest
	}
	return "", name
}

func quoted(name string) string {
	if database, of := split(name); database != "" {
		return quote(database) + "." + quote(of)
	}
	return quote(name)
}

const (
	columns = `SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE = 'NO' AND COLUMN_DEFAULT IS NULL AND EXTRA = '', EXTRA LIKE '%GENERATED%' AND EXTRA NOT LIKE '%DEFAULT_GENERATED%'
FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = IF(? = '', DATABASE(), ?) AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION`
	indexes = `SELECT INDEX_NAME, COLUMN_NAME FROM information_schema.STATISTICS
WHERE TABLE_SCHEMA = IF(? = '', DATABASE(), ?) AND TABLE_NAME = ? AND NON_UNIQUE = 0 ORDER BY INDEX_NAME, SEQ_IN_INDEX`
)

// errMissing says that a table has no columns here.
var errMissing = errors.New("there is no such table, or the user may not see it")

// Describe implements table.Dialect.
func (dialect) Describe(ctx context.Context, db *sql.DB, name string) (*table.Table, error) {
	t := &table.Table{Quoted: quoted(name)}
	database, of := split(name)
	found, err := db.QueryContext(ctx, columns, database, database, of)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	for found.Next() {
		var c table.Column
		var full string
		if err := found.Scan(&c.Name, &c.Type, &full, &c.Required, &c.ReadOnly); err != nil {
			return nil, err
		}
		c.Type = strings.ToLower(c.Type)
		c.Family = families[c.Type]
		if full == "tinyint(1)" || c.Type == "bit" && full == "bit(1)" {
			c.Family = table.Boolean
		}
		t.Columns = append(t.Columns, c)
	}
	if err := found.Err(); err != nil {
		return nil, err
	}
	if len(t.Columns) == 0 {
		return nil, errMissing
	}
	return t, keys(ctx, db, t, database, of)
}

var families = map[string]table.Family{
	"json": table.JSONLike, "date": table.DateLike, "datetime": table.DateTime, "timestamp": table.Zoned,
	"binary": table.Binary, "varbinary": table.Binary, "tinyblob": table.Binary, "blob": table.Binary, "mediumblob": table.Binary, "longblob": table.Binary,
	"char": table.TextLike, "varchar": table.TextLike, "tinytext": table.TextLike, "text": table.TextLike, "mediumtext": table.TextLike, "longtext": table.TextLike,
	"tinyint": table.Numeric, "smallint": table.Numeric, "mediumint": table.Numeric, "int": table.Numeric, "bigint": table.Numeric,
	"decimal": table.Numeric, "float": table.Numeric, "double": table.Numeric,
}

func keys(ctx context.Context, db *sql.DB, t *table.Table, database, of string) error {
	found, err := db.QueryContext(ctx, indexes, database, database, of)
	if err != nil {
		return err
	}
	defer found.Close()
	for found.Next() {
		var index, column string
		if err := found.Scan(&index, &column); err != nil {
			return err
		}
		if index != "PRIMARY" {
			t.Unique = true
			continue
		}
		t.Primary = append(t.Primary, slices.IndexFunc(t.Columns, func(c table.Column) bool { return c.Name == column }))
	}
	return found.Err()
}

const (
	mostBytes = 4 << 20 // of one statement
	// raised is MySQL's error of a number out of range, which our statements raise on purpose
	// where a row is in conflict with another unique index.
	raised = 1690
)

// Upsert implements table.Dialect.
func (dialect) Upsert(ctx context.Context, tx *sql.Tx, r *table.Rows) error {
	if !r.Insert && !slices.Equal(sorted(r.Keys), sorted(r.Table.Primary)) {
		return fmt.Errorf("%w: it is not the columns that the record's key names (%s)", errKey, names(r.Table, r.Keys))
	}
	head := fmt.Sprintf("INSERT INTO %s (%s) VALUES ", r.Table.Quoted, names(r.Table, r.Cols))
	return inPieces(ctx, tx, r, head, onDuplicate(r))
}

var errKey = errors.New("the table's primary key does not fit")

func sorted(of []int) []int {
	of = slices.Clone(of)
	slices.Sort(of)
	return of
}

func onDuplicate(r *table.Rows) string {
	if r.Insert && !r.Ignore {
		return ""
	}
	var sets []string
	if r.Table.Unique { // the row that is there has our key, or this raises an error
		var same []string
		for _, k := range r.Keys {
			name := quote(r.Table.Columns[k].Name)
			same = append(same, name+" = VALUES("+name+")")
		}
		name := quote(r.Table.Columns[r.Keys[0]].Name)
		sets = append(sets, fmt.Sprintf("%s = IF(%s, %[1]s, EXP(999 + LENGTH(VALUES(%[1]s))))", name, strings.Join(same, " AND ")))
	}
	for _, c := range r.Cols {
		if name := quote(r.Table.Columns[c].Name); !r.Ignore && !slices.Contains(r.Keys, c) {
			sets = append(sets, name+" = VALUES("+name+")")
		}
	}
	if len(sets) == 0 {
		name := quote(r.Table.Columns[r.Keys[0]].Name)
		sets = append(sets, name+" = "+name)
	}
	return " ON DUPLICATE KEY UPDATE " + strings.Join(sets, ", ")
}

// Delete implements table.Dialect.
func (dialect) Delete(ctx context.Context, tx *sql.Tx, r *table.Rows) error {
	return inPieces(ctx, tx, r, fmt.Sprintf("DELETE FROM %s WHERE (%s) IN (", r.Table.Quoted, names(r.Table, r.Cols)), ")")
}

// inPieces makes statements of at most 4 MB of values. A row is (?, ?, …).
func inPieces(ctx context.Context, tx *sql.Tx, r *table.Rows, head, tail string) error {
	one := "(" + strings.TrimSuffix(strings.Repeat("?,", len(r.Cols)), ",") + ")"
	for from := 0; from < len(r.Cells); {
		size, to := 0, from
		args := make([]any, 0, len(r.Cols)*(len(r.Cells)-from))
		for ; to < len(r.Cells) && (to == from || size < mostBytes); to++ {
			for i, cell := range r.Cells[to] {
				size += len(cell) + 4
				args = append(args, argument(r.Table.Columns[r.Cols[i]], cell))
			}
		}
		if _, err := tx.ExecContext(ctx, head+strings.TrimSuffix(strings.Repeat(one+",", to-from), ",")+tail, args...); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// argument is a cell as the driver writes it: bytes for binary columns, text for others.
func argument(c table.Column, cell []byte) any {
	switch {
	case cell == nil:
		return nil
	case c.Family == table.Binary:
		return cell
	default:
		return string(cell)
	}
}

func names(t *table.Table, cols []int) string {
	var list []string
	for _, c := range cols {
		list = append(list, quote(t.Columns[c].Name))
	}
	return strings.Join(list, ", ")
}

// Search implements table.Dialect.
func (dialect) Search() string { return "" }

// Guard implements table.Dialect.
func (dialect) Guard() table.Guard {
	return table.Guard{
		Create: `CREATE TABLE IF NOT EXISTS gantry_offsets (name varchar(100), topic varchar(249), part int, next_offset bigint NOT NULL, refused mediumtext NOT NULL, PRIMARY KEY (name, topic, part)) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
		Read:   `SELECT next_offset, refused FROM gantry_offsets WHERE name = ? AND topic = ? AND part = ? FOR UPDATE`,
		Write:  `INSERT INTO gantry_offsets VALUES (?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE next_offset = VALUES(next_offset), refused = VALUES(refused)`,
	}
}

var (
	ofRecord = []uint16{ // values and constraints
		1048, 1062, 1264, 1265, 1292, 1366, 1364, 1367, 1406, 1411, 1416, 1451, 1452, 1048, 1169, 1216, 1217, 1526, 1557, 1586, 1644, raised,
		3140, 3141, 3156, 3819, 3903, 4025, 4078, 1153, 1305, 1300, 1441, 1525,
	}
	ofTable = []uint16{1054, 1136}
	missing = []uint16{1146, 1049, 1103}
	ofSetup = []uint16{1044, 1045, 1142, 1143, 1227, 1698, 1064, 1370, 1290, 1836, 1251, 1064, 1130}
)

// Class implements table.Dialect.
func (dialect) Class(err error) table.Class {
	n := number(err)
	switch {
	case errors.Is(err, errMissing), slices.Contains(missing, n):
		return table.Missing
	case errors.Is(err, errKey), slices.Contains(ofSetup, n) && n != 1290 && n != 1836:
		return table.Setup
	case slices.Contains(ofRecord, n):
		return table.Record
	case slices.Contains(ofTable, n):
		return table.Changed
	}
	return table.Again // a deadlock (1213), a lock not had (1205), a server that is going down, or no answer
}

// Create implements table.Dialect.
func (dialect) Create(ctx context.Context, db *sql.DB, name string, key, others []row.Field) error {
	var lines, keys []string
	for _, f := range key {
		lines, keys = append(lines, quote(f.Name)+" "+typeOf(f.Value, true)+" NOT NULL"), append(keys, quote(f.Name))
	}
	for _, f := range others {
		lines = append(lines, quote(f.Name)+" "+typeOf(f.Value, false)+" NULL")
	}
	lines = append(lines, "PRIMARY KEY ("+strings.Join(keys, ", ")+")")
	_, err := db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS "+quoted(name)+" ("+strings.Join(lines, ", ")+") CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
	return err
}

// Add implements table.Dialect.
func (dialect) Add(ctx context.Context, db *sql.DB, t *table.Table, fields []row.Field) error {
	var adds []string
	for _, f := range fields {
		adds = append(adds, "ADD COLUMN "+quote(f.Name)+" "+typeOf(f.Value, false)+" NULL")
	}
	_, err := db.ExecContext(ctx, "ALTER TABLE "+t.Quoted+" "+strings.Join(adds, ", "))
	if number(err) == 1060 { // another has added it meanwhile
		return nil
	}
	return err
}

var types = map[row.Type]string{
	row.Bool: "tinyint(1)", row.Number: "double", row.Integer: "bigint", row.Decimal: "decimal(65,20)", row.JSON: "json",
	row.Bytes: "longblob", row.Date: "date", row.Time: "time(6)", row.Timestamp: "datetime(6)", row.Instant: "datetime(6)",
}

// typeOf is the type of a column that is made for a value.
func typeOf(v row.Value, key bool) string {
	switch t, ok := types[v.Type]; {
	case v.Type == row.Number && key && !strings.ContainsAny(string(v.Text), ".eE"):
		return "bigint"
	case v.Type == row.Bytes && key:
		return "varbinary(255)"
	case ok:
		return t
	case key:
		return "varchar(255)"
	}
	return "longtext"
}
