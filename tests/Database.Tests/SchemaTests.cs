using Dapper;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Database.Rows;
using PonyCloud.Sparkle.Database.Schema;

namespace PonyCloud.Database.Tests;

/// <summary>The schema is what the declarations say.</summary>
[TestFixture]
public sealed class SchemaTests
{
    private NpgsqlDataSource _source = null!;

    private static IEnumerable<Entity> Entities => EntityCatalog.Load().InDependencyOrder;

    private static IEnumerable<TestCaseData> Columns =>
        from entity in Entities
        from column in entity.Desired!.Columns
        select new TestCaseData(entity, column).SetArgDisplayNames(entity.Name, column.Name);

    [OneTimeSetUp]
    public async Task ConnectAsync() => _source = NpgsqlDataSource.Create(await SharedServer.Server.CreateDatabaseAsync());

    [OneTimeTearDown]
    public async Task DisconnectAsync() => await _source.DisposeAsync();

    [TestCaseSource(nameof(Entities))]
    public async Task A_table_has_the_columns_of_its_record_and_no_others(Entity entity)
    {
        var names = await QueryAsync<string>(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = @Name", new { entity.Name });

        Assert.That(names, Is.EquivalentTo(entity.Desired!.Columns.Select(column => column.Name)));
    }

    [TestCaseSource(nameof(Columns))]
    public async Task A_column_has_the_type_and_the_nullability_of_its_property(Entity entity, Column column)
    {
        var found = await QueryAsync<(string Type, bool IsNullable)>(
            """
            SELECT format_type(atttypid, atttypmod), NOT attnotnull FROM pg_attribute
            WHERE attrelid = ('public.' || quote_ident(@Table))::regclass AND attname = @Name
            """, new { Table = entity.Name, column.Name });

        Assert.That(found, Is.EqualTo(new[] { (PostgresText.TypeOf(column.Kind), column.IsNullable) }));
    }

    [TestCaseSource(nameof(Columns))]
    public async Task A_column_refers_to_what_its_property_refers_to(Entity entity, Column column)
    {
        var found = await QueryAsync<(string Name, string Target)>(
            """
            SELECT conname::text, confrelid::regclass::text FROM pg_constraint
            WHERE contype = 'f' AND conrelid = ('public.' || quote_ident(@Table))::regclass
              AND conkey = ARRAY(SELECT attnum FROM pg_attribute WHERE attrelid = conrelid AND attname = @Name)
            """, new { Table = entity.Name, column.Name });

        Assert.That(
            found.Select(row => (row.Name, row.Target.Trim('"'))),
            Is.EqualTo(column.References is { } target ? new[] { ($"{entity.Name}_{column.Name}_fkey", target) } : []));
    }

    [TestCaseSource(nameof(Columns))]
    public async Task A_column_has_the_limits_of_its_property(Entity entity, Column column)
    {
        // A name that is a word of SQL is quoted there.
        var checks = string.Join('\n', await QueryAsync<string>(
            """
            SELECT pg_get_constraintdef(oid) FROM pg_constraint
            WHERE contype = 'c' AND conrelid = ('public.' || quote_ident(@Table))::regclass
              AND conkey = ARRAY(SELECT attnum FROM pg_attribute WHERE attrelid = conrelid AND attname = @Name)
            """, new { Table = entity.Name, column.Name })).Replace("\"", "", StringComparison.Ordinal)
            // How the server writes a number that is no integer of 32 bits.
            .Replace("'::bigint", "", StringComparison.Ordinal).Replace("= '", "= ", StringComparison.Ordinal);

        using (Assert.EnterMultipleScope())
        {
            if (column.Minimum is { } minimum)
                Assert.That(checks, Does.Contain($"{column.Name} >= {minimum})"));
            if (column.Maximum is { } maximum)
                Assert.That(checks, Does.Contain($"{column.Name} <= {maximum})"));
            if (column.MaxLength is { } length)
                Assert.That(checks, Does.Contain($"<= {length})"));
            if (column.MaxItems is { } items)
                Assert.That(checks, Does.Contain($"cardinality({column.Name}) <= {items})"));
            if (column.Kind == ColumnKind.Address)
                Assert.That(checks, Does.Contain($"is_host({column.Name})"));
            if (column.Kind == ColumnKind.AddressList)
                Assert.That(checks, Does.Contain($"are_hosts({column.Name})"));
            if (column.Pattern is { } pattern)
                Assert.That(checks, Does.Contain(column.Kind == ColumnKind.TextList ? pattern.Trim('^', '$') : $"'{pattern}'"));
            if (column.Kind == ColumnKind.Enumeration)
                Assert.That(checks, Does.Contain($"ARRAY[{string.Join(", ", column.EnumNames.Select(name => $"'{name}'::text"))}]"));
            Assert.That(checks, Is.Not.Null);
        }
    }

    [TestCaseSource(nameof(Entities))]
    public async Task A_table_has_the_key_of_its_entity(Entity entity)
    {
        var found = await QueryAsync<(string Name, string[] Columns)>(
            """
            SELECT conname::text, ARRAY(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS k (number, place)
                JOIN pg_attribute ON attrelid = conrelid AND attnum = number ORDER BY place)
            FROM pg_constraint WHERE contype = 'p' AND conrelid = ('public.' || quote_ident(@Name))::regclass
            """, new { entity.Name });

        Assert.That(found.Single().Name, Is.EqualTo($"{entity.Name}_pkey"));
        Assert.That(found.Single().Columns, Is.EqualTo(entity.KeyColumns));
    }

    [Test]
    public async Task Every_constraint_is_named_after_its_table_and_says_what_it_is_about()
    {
        var found = await QueryAsync<(string Table, string Name, string? Comment)>(
            """
            SELECT relname::text, conname::text, obj_description(c.oid, 'pg_constraint')
            FROM pg_constraint c JOIN pg_class t ON t.oid = conrelid
            WHERE connamespace = 'public'::regnamespace AND relname <> 'schema_migration'
            """, new { });

        Assert.That(found, Is.Not.Empty);
        Assert.That(found.Where(row => !row.Name.StartsWith(row.Table + "_", StringComparison.Ordinal)), Is.Empty);
        Assert.That(found.Where(row => string.IsNullOrEmpty(row.Comment)), Is.Empty);
    }

    [TestCaseSource(nameof(Entities))]
    public async Task A_table_is_followed_with_its_whole_old_rows(Entity entity)
    {
        var found = await QueryAsync<char>(
            """
            SELECT relreplident FROM pg_class JOIN pg_publication_tables p ON p.tablename = relname AND p.schemaname = 'public'
            WHERE pubname = 'sparkle' AND relname = @Name
            """, new { entity.Name });

        Assert.That(found.Single(), Is.EqualTo('f'));
    }

    [Test]
    public async Task Migrations_are_applied_once()
    {
        await using var empty = NpgsqlDataSource.Create(await SharedServer.Server.CreateEmptyDatabaseAsync());
        var migrations = Migration.Embedded();

        var first = await Migrator(migrations).ApplyAsync(empty, CancellationToken.None);
        var second = await Migrator(migrations).ApplyAsync(empty, CancellationToken.None);

        Assert.That(first, Is.EqualTo(migrations.Select(migration => migration.Version)));
        Assert.That(second, Is.Empty);
    }

    [Test]
    public async Task Two_controllers_that_apply_migrations_at_once_do_it_once()
    {
        await using var empty = NpgsqlDataSource.Create(await SharedServer.Server.CreateEmptyDatabaseAsync());
        var migrations = Migration.Embedded();

        var both = await Task.WhenAll(
            Migrator(migrations).ApplyAsync(empty, CancellationToken.None), Migrator(migrations).ApplyAsync(empty, CancellationToken.None));

        Assert.That(both.SelectMany(applied => applied), Is.EquivalentTo(migrations.Select(migration => migration.Version)));
    }

    [Test]
    public async Task A_migration_that_was_changed_after_it_was_applied_is_an_error_with_its_name()
    {
        await using var empty = NpgsqlDataSource.Create(await SharedServer.Server.CreateEmptyDatabaseAsync());
        await Migrator([new(1, "0001-one.sql", "CREATE TABLE one ()")]).ApplyAsync(empty, CancellationToken.None);

        Assert.That(
            () => Migrator([new(1, "0001-one.sql", "CREATE TABLE other ()")]).ApplyAsync(empty, CancellationToken.None),
            Throws.TypeOf<SchemaException>().With.Message.Contains("0001-one.sql"));
    }

    [Test]
    public async Task A_database_newer_than_the_binary_is_an_error()
    {
        await using var empty = NpgsqlDataSource.Create(await SharedServer.Server.CreateEmptyDatabaseAsync());
        Migration one = new(1, "0001-one.sql", "CREATE TABLE one ()");
        await Migrator([one, new(2, "0002-two.sql", "CREATE TABLE two ()")]).ApplyAsync(empty, CancellationToken.None);

        Assert.That(
            () => Migrator([one]).ApplyAsync(empty, CancellationToken.None),
            Throws.TypeOf<SchemaException>().With.Message.Contains("newer").And.Message.Contains("0002-two.sql"));
    }

    [Test]
    public async Task A_migration_that_fails_leaves_nothing_behind_and_is_named()
    {
        await using var empty = NpgsqlDataSource.Create(await SharedServer.Server.CreateEmptyDatabaseAsync());

        Assert.That(
            () => Migrator([new(1, "0001-one.sql", "CREATE TABLE one (); SELECT nonsense")]).ApplyAsync(empty, CancellationToken.None),
            Throws.TypeOf<SchemaException>().With.Message.Contains("0001-one.sql").And.Message.Contains("nonsense"), "what the server says is told");
        await using var connection = await empty.OpenConnectionAsync();
        Assert.That(await connection.ExecuteScalarAsync<bool>("SELECT to_regclass('public.one') IS NULL"), Is.True);
    }

    private static SchemaMigrator Migrator(IReadOnlyList<Migration> migrations) => new(migrations, NullLogger<SchemaMigrator>.Instance);

    private async Task<List<T>> QueryAsync<T>(string sql, object parameters)
    {
        await using var connection = await _source.OpenConnectionAsync();
        return (await connection.QueryAsync<T>(sql, parameters)).AsList();
    }
}
