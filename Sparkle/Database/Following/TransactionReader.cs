using System.Text;
using Npgsql.Replication.PgOutput;
using Npgsql.Replication.PgOutput.Messages;
using NpgsqlTypes;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Database.Rows;
using PonyCloud.Sparkle.Database.Writing;

namespace PonyCloud.Sparkle.Database.Following;

/// <summary>One transaction as the change stream delivered it, whole.</summary>
/// <param name="Transaction">The lower 32 bits of its id.</param>
/// <param name="Messages">Ids that this controller's writers put into it.</param>
/// <param name="End">Up to where the log is done with.</param>
internal sealed record StreamedTransaction(
    uint Transaction, IReadOnlyList<DatabaseChange> Changes, IReadOnlyList<string> Messages, NpgsqlLogSequenceNumber End);

/// <summary>Puts the messages of the change stream together to transactions. Used by one loop, for one stream.</summary>
internal sealed class TransactionReader(TableMaps tables)
{
    private readonly Dictionary<uint, Relation> _relations = [];
    private List<DatabaseChange> _changes = [];
    private List<string> _ids = [];
    private uint _transaction;

    /// <returns>The transaction that the message completes; null for all others.</returns>
    /// <exception cref="FormatException">A row is none that the declarations know.</exception>
    public async ValueTask<StreamedTransaction?> ReadAsync(PgOutputReplicationMessage message, CancellationToken cancellation)
    {
        switch (message)
        {
            case BeginMessage begin:
                _transaction = begin.TransactionXid;
                _changes = [];
                _ids = [];
                return null;
            case RelationMessage relation:
                _relations[relation.RelationId] = new Relation(relation, tables);
                return null;
            case InsertMessage insert:
                await SetAsync(insert.Relation, null, null, insert.NewRow, cancellation);
                return null;
            case FullUpdateMessage update:
                var old = await TextsAsync(Of(update.Relation), update.OldRow, null, cancellation);
                await SetAsync(update.Relation, old, Of(update.Relation).KeyOf(old), update.NewRow, cancellation);
                return null;
            case IndexUpdateMessage update:
                var key = Of(update.Relation).KeyOf(await TextsAsync(Of(update.Relation), update.Key, null, cancellation));
                await SetAsync(update.Relation, null, key, update.NewRow, cancellation);
                return null;
            case DefaultUpdateMessage update:
                await SetAsync(update.Relation, null, null, update.NewRow, cancellation);
                return null;
            case FullDeleteMessage delete:
                await RemoveAsync(delete.Relation, delete.OldRow, cancellation);
                return null;
            case KeyDeleteMessage delete:
                await RemoveAsync(delete.Relation, delete.Key, cancellation);
                return null;
            case TruncateMessage truncate:
                foreach (var relation in truncate.Relations)
                {
                    if (Of(relation).Table is { } table)
                        _changes.Add(new DatabaseChange.Truncated(table.Entity));
                }
                return null;
            case LogicalDecodingMessage note when note.Prefix == DesiredStateWriter.MessagePrefix:
                using (var text = new StreamReader(note.Data, Encoding.UTF8, leaveOpen: true))
                    _ids.Add(await text.ReadToEndAsync(cancellation));
                return null;
            case CommitMessage commit:
                var done = new StreamedTransaction(_transaction, _changes, _ids, commit.TransactionEndLsn);
                _changes = [];
                _ids = [];
                return done;
            default:
                return null;
        }
    }

    private Relation Of(RelationMessage message) =>
        _relations.TryGetValue(message.RelationId, out var relation)
            ? relation
            : _relations[message.RelationId] = new Relation(message, tables);

    private async Task SetAsync(
        RelationMessage message, string?[]? old, RowKey? oldKey, ReplicationTuple row, CancellationToken cancellation)
    {
        var relation = Of(message);
        if (relation.Table is not { } table)
            return;
        var texts = await TextsAsync(relation, row, old, cancellation);
        var change = RowChange.Set(table.Entity, RowPart.Desired, table.Record(new RowTexts(texts)));
        if (oldKey is { } key && key != change.Key)
            _changes.Add(new DatabaseChange.OfRow(RowChange.Remove(table.Entity, RowPart.Desired, key)));
        _changes.Add(new DatabaseChange.OfRow(change));
    }

    private async Task RemoveAsync(RelationMessage message, ReplicationTuple row, CancellationToken cancellation)
    {
        var relation = Of(message);
        if (relation.Table is not { } table)
            return;
        var key = relation.KeyOf(await TextsAsync(relation, row, null, cancellation))!.Value;
        _changes.Add(new DatabaseChange.OfRow(RowChange.Remove(table.Entity, RowPart.Desired, key)));
    }

    /// <summary>The texts of a row in the order of the record; columns that it does not know are left out.</summary>
    /// <param name="old">Where a large value stands that the update left alone and the log therefore leaves out.</param>
    private static async Task<string?[]> TextsAsync(Relation relation, ReplicationTuple row, string?[]? old, CancellationToken cancellation)
    {
        var texts = new string?[relation.Table?.Part.Columns.Count ?? 0];
        var at = 0;
        await foreach (var value in row.WithCancellation(cancellation))
        {
            var place = relation.Places[at++];
            if (place < 0 || value.IsDBNull)
                continue;
            if (!value.IsUnchangedToastedValue)
                texts[place] = await value.Get<string>(cancellation);
            else if (old is not null)
                texts[place] = old[place];
            else
                throw new FormatException($"An update of {relation.Table!.Entity} came without its unchanged values; the table lacks REPLICA IDENTITY FULL.");
        }
        return texts;
    }

    /// <summary>A table as the stream describes it, and where its columns go in the record.</summary>
    private sealed class Relation
    {
        public Relation(RelationMessage message, TableMaps tables)
        {
            Table = message.Namespace == "public" ? tables.Find(message.RelationName) : null;
            Places = new int[message.Columns.Count];
            for (var i = 0; i < Places.Length; i++)
                Places[i] = PlaceOf(message.Columns[i].ColumnName);
        }

        /// <summary>Null for a table that is none of the platform's.</summary>
        public TableMap? Table { get; }

        public int[] Places { get; }

        public RowKey? KeyOf(string?[] texts)
        {
            if (Table is null)
                return null;
            var parts = Table.KeyColumns.Select(column => texts[PlaceOf(column.Name)]
                ?? throw new FormatException($"A {Table.Entity} came without its key.")).ToArray();
            return RowKey.Of(parts);
        }

        private int PlaceOf(string column)
        {
            for (var i = 0; i < (Table?.Part.Columns.Count ?? 0); i++)
            {
                if (Table!.Part.Columns[i].Name == column)
                    return i;
            }
            return -1;
        }
    }
}
